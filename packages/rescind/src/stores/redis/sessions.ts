import type {
  EndOrder,
  EndResult,
  NewSession,
  RotateClaim,
  RotateOutcome,
  SessionRecord,
  SessionSelector,
  Sessions,
} from '../../session/sessions.ts'
import { readCursor, writeCursor } from '../shared/cursor.ts'
import { recordsForEnd } from '../shared/session-end.ts'
import { refuseTransaction } from '../shared/transaction.ts'
import type { RedisCommands } from './commands.ts'
import { recordArgs, sharedJson } from './records.ts'
import { listOf, marked, numberOf, textOf, unmarked } from './replies.ts'
import { nonce } from './script.ts'
import { COUNT, END, GET, LIST, ROTATE, START, SWEEP } from './session-scripts.ts'

const SWEEP_AT_ONCE = 1_000

/** The sessions' half of the Redis store; one script ends a session and records why. */
export function redisSessions(commands: RedisCommands): Sessions {
  return {
    async start(sessions) {
      if (sessions.length === 0) return []
      const reply = await commands.write(START, sessions.flatMap(startArgs))
      return listOf(reply).map((answer) => (textOf(answer) === 'started' ? 'started' : 'exists'))
    },
    async rotate(claims) {
      if (claims.length === 0) return []
      const reply = await commands.write(ROTATE, [nonce(), ...claims.flatMap(rotateArgs)])
      return listOf(reply).map((answer) => readOutcome(listOf(answer)))
    },
    async end(orders, within) {
      refuseTransaction('Redis', within)
      if (orders.length === 0) return []
      const reply = listOf(await commands.write(END, [nonce(), ...orders.flatMap(endArgs)]))
      return orders.map((order, at) => readEnd(order, listOf(reply[at])))
    },
    async get(sid, nowMs) {
      const reply = await commands.run(GET, [sid, String(nowMs)])
      return reply === null ? null : readSession(reply)
    },
    async list(sub, { limit, cursor }, nowMs) {
      const after = readCursor(cursor)
      const args = [sub, String(after.createdAtMs), after.sid, String(limit + 1), String(nowMs)]
      const found = listOf(await commands.run(LIST, args)).map(readSession)
      const sessions = found.slice(0, limit)
      const last = sessions.at(-1)
      return { sessions, nextCursor: found.length > limit && last !== undefined ? writeCursor(last) : null }
    },
    async count(which, nowMs) {
      return numberOf(await commands.run(COUNT, [...selectorArgs(which), String(nowMs)]))
    },
    async sweep(nowMs, limit) {
      return numberOf(await commands.run(SWEEP, [String(nowMs), String(Math.min(limit, SWEEP_AT_ONCE))]))
    },
  }
}

function startArgs(session: NewSession): string[] {
  const { createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs } = session
  const times = [createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs].map(String)
  return [session.sid, session.sub, session.refreshHash, ...times, marked(session.ip), marked(session.userAgent)]
}

function rotateArgs(claim: RotateClaim): string[] {
  const { jti, sid, sub, iatMs } = claim.token
  return [
    claim.sid,
    marked(jti),
    marked(sid),
    marked(sub),
    String(iatMs),
    claim.presentedHash,
    claim.successorHash,
    String(claim.nowMs),
    String(claim.expiresAtMs),
    String(claim.graceMs),
    claim.heldUp === true ? '1' : '',
    ...recordArgs(claim.onReuse),
  ]
}

function endArgs({ which, revocation }: EndOrder): string[] {
  return [...selectorArgs(which), ...recordArgs(revocation), sharedJson(revocation)]
}

/** The four values by which the scripts know whom a selector means: what it names, its name, until when, and who not. */
function selectorArgs(which: SessionSelector): string[] {
  if ('sid' in which) return ['sid', which.sid, '+inf', '']
  const till = which.beforeMs === undefined ? '+inf' : String(which.beforeMs)
  return 'everyone' in which ? ['everyone', '', till, ''] : ['sub', which.sub, till, marked(which.except)]
}

function readOutcome([outcome, issuedAt, session]: readonly unknown[]): RotateOutcome {
  const name = textOf(outcome)
  switch (name) {
    case 'rotated':
    case 'replayed':
      return { outcome: name, issuedAtMs: numberOf(issuedAt), session: readSession(session) }
    case 'reused':
    case 'overtaken':
    case 'ended':
    case 'unknown':
      return { outcome: name }
    default:
      throw new Error('Redis answered an outcome that the store does not know')
  }
}

function readEnd({ revocation }: EndOrder, [ended, last, sids]: readonly unknown[]): EndResult {
  const lastIssuedAt = textOf(last)
  return {
    ended: numberOf(ended),
    recorded: recordsForEnd(
      revocation,
      listOf(sids).map(textOf),
      lastIssuedAt === '' ? undefined : Number(lastIssuedAt),
    ),
  }
}

function readSession(reply: unknown): SessionRecord {
  const [sid, sub, createdAt, lastUsedAt, expiresAt, endsAt, ip, userAgent] = listOf(reply)
  return {
    sid: textOf(sid),
    sub: textOf(sub),
    createdAtMs: numberOf(createdAt),
    lastUsedAtMs: numberOf(lastUsedAt),
    expiresAtMs: numberOf(expiresAt),
    endsAtMs: numberOf(endsAt),
    ip: unmarked(ip),
    userAgent: unmarked(userAgent),
  }
}
