import type { Revocation } from '../../revocation/revocation.ts'
import type { RotateClaim, RotateOutcome, SessionSelector } from '../../session/sessions.ts'
import { decideRotation, rotatedState, shownSession } from '../shared/rotation.ts'
import { recordsForEnd } from '../shared/session-end.ts'
import type { Command, Counts, Frame, Header, Outcome } from './commands.ts'
import { createLogins, type Logins } from './logins.ts'
import { createLiveRecords, type LiveRecords } from './records.ts'
import { readRecordRow, readSessionRow } from './rows.ts'

/** What a command came to; a failure is as much an outcome as any other, and the same for every reader. */
export type Applied = { readonly outcome: Outcome } | { readonly failure: unknown }

/** What the log amounts to so far. It depends on the log alone, so that all its readers hold the same. */
export interface FileState {
  readonly generation: string
  readonly records: LiveRecords
  readonly logins: Logins
  readonly counts: Counts
  /** About how many bytes its snapshot takes. */
  readonly bytes: number
  /** Takes in a part of a snapshot. */
  restore(frame: Frame): void
  /** Applies a batch of commands that begins at this byte of the log. */
  applyBatch(commands: readonly Command[], at: number): Applied[]
  /** True when the command would change nothing, so that its outcome can be told without writing it. */
  isIdle(command: Command): boolean
}

/** Makes the state at the beginning of a file of the log. */
export function createFileState({ generation, last }: Header): FileState {
  const records = createLiveRecords(last)
  const logins = createLogins()

  /** The outcome of a claim as things stand. */
  const decide = (claim: RotateClaim) => {
    const outcome = decideRotation(logins.get(claim.sid), claim)
    return outcome !== 'unknown' && records.find(claim.token, claim.nowMs) !== null ? 'ended' : outcome
  }

  const rotate = (claim: RotateClaim, record: (revocation: Revocation) => void): RotateOutcome => {
    const state = logins.get(claim.sid)
    const outcome = decide(claim)
    if (state === null || outcome === 'unknown') return { outcome: 'unknown' }
    switch (outcome) {
      case 'ended':
      case 'overtaken':
        return { outcome }
      case 'reused':
        logins.update({ ...state, endedAtMs: claim.nowMs })
        record(claim.onReuse)
        return { outcome }
      case 'replayed':
        return { outcome, issuedAtMs: state.issuedAtMs, session: shownSession(state) }
      case 'rotated': {
        const rotated = rotatedState(state, claim)
        logins.update(rotated)
        return { outcome, issuedAtMs: claim.nowMs, session: shownSession(rotated) }
      }
    }
  }

  const end = (which: SessionSelector, revocation: Revocation, record: (revocation: Revocation) => void) => {
    const chosen = logins.chosen(which)
    for (const state of chosen) logins.update({ ...state, endedAtMs: revocation.at })
    const recorded = toRecord(revocation, chosen)
    for (const each of recorded) record(each)
    return { ended: chosen.length, recorded }
  }

  const apply = (command: Command, record: (revocation: Revocation) => void): Outcome => {
    switch (command[0]) {
      case 'append':
        for (const row of command[1]) record(readRecordRow(row))
        return { generation, last: records.last }
      case 'prune':
        return records.prune(command[1], command[2])
      case 'start':
        return command[1].map((session) => {
          if (logins.get(session.sid) !== null) return 'exists'
          const { refreshHash } = session
          const opening = { refreshHash, parentHash: null, issuedAtMs: session.createdAtMs, endedAtMs: null }
          logins.add({ ...shownSession({ ...session, ...opening }), ...opening })
          return 'started'
        })
      case 'rotate':
        return command[1].map((claim) => rotate(claim, record))
      case 'end':
        return command[1].map(({ which, revocation }) => end(which, revocation, record))
      case 'sweep':
        return logins.sweep(command[1], command[2])
    }
  }

  return {
    generation,
    records,
    logins,
    get counts() {
      return { ...records.last, records: records.count, sessions: logins.count }
    },
    get bytes() {
      return records.bytes + logins.bytes
    },
    restore(frame) {
      if ('records' in frame) {
        for (const [n, row] of frame.records.entries()) {
          records.restore(readRecordRow(row), { at: frame.places[2 * n] ?? 0, index: frame.places[2 * n + 1] ?? 0 })
        }
      } else if ('sessions' in frame) {
        for (const row of frame.sessions) logins.add(readSessionRow(row))
      }
    },
    applyBatch(commands, at) {
      let index = 0
      const record = (revocation: Revocation) => {
        records.add(revocation, { at, index })
        index += 1
      }
      return commands.map((command) => {
        try {
          return { outcome: apply(command, record) }
        } catch (failure) {
          // A command that makes no sense fails for whoever gave it, and must not keep others from reading on.
          return { failure }
        }
      })
    },
    isIdle(command) {
      switch (command[0]) {
        case 'append':
          return command[1].every((row) => records.covers(readRecordRow(row)))
        case 'prune':
          return command[2] <= 0 || !records.hasExpired(command[1])
        case 'start':
          return command[1].every((session) => logins.get(session.sid) !== null)
        case 'rotate':
          return command[1].every((claim) => !['rotated', 'reused'].includes(decide(claim)))
        case 'end':
          return command[1].every(
            ({ which, revocation }) => logins.chosen(which).length === 0 && records.covers(revocation),
          )
        case 'sweep':
          return command[2] <= 0 || !logins.hasExpired(command[1])
      }
    },
  }
}

/** What to record for sessions that end. */
function toRecord(revocation: Revocation, chosen: readonly { sid: string; issuedAtMs: number }[]): Revocation[] {
  const last = chosen.reduce((ms, state) => Math.max(ms, state.issuedAtMs), Number.NEGATIVE_INFINITY)
  return recordsForEnd(
    revocation,
    chosen.map((state) => state.sid),
    last,
  )
}
