import type { Ledger, NewSession, Position, Revocation, RotateClaim } from 'rescind'

export const NOW = 1_700_000_000_000
export const LATER = NOW + 60_000

/** The revocation of one token. */
export function tokenRevocation(id: string, expiresAt = LATER): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt }
}

/** The revocation of one session. */
export function sessionRevocation(id: string): Revocation {
  return { kind: 'session', id, at: NOW, expiresAt: LATER }
}

/** A login of Alice's. */
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

/** The wish to exchange the refresh token number `from` of a session for the next. */
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

/** All records after a position. */
export async function readAll(ledger: Ledger, from: Position | null = null): Promise<Revocation[]> {
  const records: Revocation[] = []
  for await (const page of ledger.read(from)) records.push(...page.records)
  return records
}

/** The position of the newest record. */
export async function lastPosition(ledger: Ledger): Promise<Position> {
  let position: Position = ''
  for await (const page of ledger.read(null)) position = page.position
  return position
}

/** The ids of records that have one. */
export function idsOf(records: readonly Revocation[]): string[] {
  return records.flatMap((record) => (record.kind === 'everything' ? [] : [record.id]))
}
