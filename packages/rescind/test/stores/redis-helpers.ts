import { createClient, type RedisClientType } from 'redis'
import type { FeedSink, Ledger, NewSession, Position, Revocation, RotateClaim } from 'rescind'

export const NOW = 1_700_000_000_000
export const LATER = NOW + 60_000

/** Connects, and lets the driver reconnect quietly for as long as it takes. */
export async function connectTo(url: string, options: { readonly RESP?: 2 | 3 } = {}): Promise<RedisClientType> {
  const client = createClient({ url, ...options, socket: { reconnectStrategy: 20 } })
  client.on('error', () => {})
  await client.connect()
  return client as RedisClientType
}

/** Removes what a test left, for servers that outlive it. */
export async function removeKeys(client: RedisClientType, prefix: string): Promise<void> {
  const keys = await client.keys(`{${prefix}}:*`)
  if (keys.length > 0) await client.unlink(keys)
}

export function tokenRevocation(id: string, expiresAt = LATER): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt }
}

export function sessionRevocation(id: string): Revocation {
  return { kind: 'session', id, at: NOW, expiresAt: LATER }
}

export function newSession(sid: string, changes: Partial<NewSession> = {}): NewSession {
  return {
    sid,
    sub: 'alice',
    createdAtMs: NOW,
    lastUsedAtMs: NOW,
    expiresAtMs: NOW + 10_000,
    endsAtMs: NOW + 30_000,
    ip: null,
    userAgent: null,
    refreshHash: `${sid}-0`,
    ...changes,
  }
}

export function claim(sid: string, from: number, changes: Partial<RotateClaim> = {}): RotateClaim {
  return {
    sid,
    token: { jti: `${sid}-${from}`, sid, sub: 'alice', iatMs: NOW },
    presentedHash: `${sid}-${from}`,
    successorHash: `${sid}-${from + 1}`,
    nowMs: NOW + 1,
    expiresAtMs: NOW + 10_000,
    graceMs: 1_000,
    onReuse: sessionRevocation(sid),
    ...changes,
  }
}

export async function readAll(ledger: Ledger, from: Position | null = null): Promise<Revocation[]> {
  const records: Revocation[] = []
  for await (const page of ledger.read(from)) records.push(...page.records)
  return records
}

export async function lastPosition(ledger: Ledger): Promise<Position> {
  let position: Position = ''
  for await (const page of ledger.read(null)) position = page.position
  return position
}

/** A follower that remembers what it was told, and how it ended. */
export function followFrom(ledger: Ledger, from: Position) {
  const ending = new AbortController()
  const follower = {
    records: [] as Revocation[],
    position: from,
    proofs: 0,
    error: null as unknown,
    over: false,
    async stop() {
      ending.abort()
      await done
    },
  }
  const sink: FeedSink = {
    now: () => performance.now(),
    records(page) {
      follower.records.push(...page.records)
      follower.position = page.position
    },
    current() {
      follower.proofs += 1
    },
  }
  const done = ledger.follow(from, sink, ending.signal).then(
    () => {
      follower.over = true
    },
    (error: unknown) => {
      follower.over = true
      follower.error = error
    },
  )
  return follower
}
