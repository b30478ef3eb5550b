import { unref } from '../base/timers.ts'
import type { TokenIds } from '../base/types.ts'
import { kills, type Revocation } from './revocation.ts'

/** Tells those who hold a connection open when the token they opened it with dies. */
export interface Watchers {
  /** A signal that aborts when a record kills these ids, or at `expiresAtMs`. */
  watch(ids: TokenIds, expiresAtMs: number): AbortSignal
  /** Aborts the signals of the tokens that this record kills. */
  notify(record: Revocation): void
  /** The signals that have not fired. */
  readonly size: number
  /** Forgets all of them, without firing. */
  close(): void
}

interface Watcher {
  readonly ids: TokenIds
  readonly controller: AbortController
  timer: NodeJS.Timeout | undefined
}

/** Why a signal of {@link Watchers} aborted. */
export type EndOfToken = 'token_revoked' | 'token_expired'

// setTimeout fires at once for anything longer.
const LONGEST_TIMER_MS = 2_147_483_647

/** Makes an empty registry. */
export function createWatchers(parts: {
  /** Milliseconds since the epoch. */
  wallNow: () => number
  /** Whether a token is dead already: it may have died since it was checked. */
  isRevoked: (ids: TokenIds) => boolean
  /** What the signals abort with. */
  reason: (end: EndOfToken) => Error
}): Watchers {
  const { wallNow, isRevoked, reason } = parts
  const all = new Set<Watcher>()
  // By the ids that records name, so that a revocation finds its watchers without asking all of them.
  const byId = { token: new Map(), session: new Map(), subject: new Map() } as const satisfies Record<
    string,
    Map<string, Set<Watcher>>
  >

  const places = ({ jti, sid, sub }: TokenIds): [Map<string, Set<Watcher>>, string | undefined][] => [
    [byId.token, jti],
    [byId.session, sid],
    [byId.subject, sub],
  ]

  const remove = (watcher: Watcher) => {
    clearTimeout(watcher.timer)
    all.delete(watcher)
    for (const [map, id] of places(watcher.ids)) {
      if (id === undefined) continue
      const group = map.get(id)
      group?.delete(watcher)
      if (group?.size === 0) map.delete(id)
    }
  }

  const fire = (watcher: Watcher, end: EndOfToken) => {
    remove(watcher)
    watcher.controller.abort(reason(end))
  }

  const expireAt = (watcher: Watcher, expiresAtMs: number) => {
    const leftMs = expiresAtMs - wallNow()
    if (leftMs <= 0) return fire(watcher, 'token_expired')
    watcher.timer = setTimeout(() => expireAt(watcher, expiresAtMs), Math.min(leftMs, LONGEST_TIMER_MS))
    unref(watcher.timer)
  }

  return {
    watch(ids, expiresAtMs) {
      const watcher: Watcher = { ids, controller: new AbortController(), timer: undefined }
      all.add(watcher)
      for (const [map, id] of places(ids)) {
        if (id === undefined) continue
        const group = map.get(id)
        if (group === undefined) map.set(id, new Set([watcher]))
        else group.add(watcher)
      }
      if (isRevoked(ids)) fire(watcher, 'token_revoked')
      else expireAt(watcher, expiresAtMs)
      return watcher.controller.signal
    },
    notify(record) {
      if (all.size === 0) return
      const candidates = record.kind === 'everything' ? all : byId[record.kind].get(record.id)
      for (const watcher of [...(candidates ?? [])]) if (kills(record, watcher.ids)) fire(watcher, 'token_revoked')
    },
    get size() {
      return all.size
    },
    close() {
      for (const watcher of [...all]) remove(watcher)
    },
  }
}
