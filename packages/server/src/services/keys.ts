import { type Algorithm, type Clock, generateKey, type Key, RescindError } from 'rescind'
import type { Database } from '../database.ts'
import type { SigningKeyRecord, SigningKeyRecords } from '../repositories/signing-keys.ts'
import type { KeySealing } from './key-sealing.ts'

/** Where a key is in its life: it is published, then signs, then only verifies, then is deleted. */
export type KeyState = 'published' | 'signing' | 'verifying'

/** A signing key without what signs. Times are milliseconds since the epoch. */
export interface KeyDescription {
  readonly kid: string
  readonly alg: string
  readonly state: KeyState
  readonly createdAtMs: number
  readonly signsFromMs: number
  /** When the last token that it signed has expired; `null` while no other key is to follow it. */
  readonly expiresAtMs: number | null
}

/** What keys are managed by. */
export interface KeysOptions {
  readonly database: Pick<Database, 'signingKeys' | 'inTransaction'>
  readonly sealing: KeySealing
  /** What new keys are for. */
  readonly alg: Algorithm
  readonly clock: Clock
  readonly newId: () => string
  /** How long the longest-lived token is accepted. */
  readonly maxTokenTtlMs: number
  /** For how long a key is published before it signs. @default as long as others may go by an older JWK set, and some */
  readonly publishedForMs?: number
}

/** The keys that instances share by their database. */
export interface Keys {
  list(): Promise<readonly KeyDescription[]>
  /** Publishes a new key, which signs once everybody has had the time to hear of it. Rejects with `forbidden` where one waits. */
  rotate(): Promise<KeyDescription>
  /** Rejects as {@link Keys.retire} would. */
  check(kid: string): Promise<void>
  /**
   * For a key that others know: takes it out at once, and puts a new one in its place where it signs. Revoke everything
   * before. Rejects with `not_found` for an unknown key, and with `forbidden` where the secret is not
   * that of the others.
   */
  retire(kid: string): Promise<void>
  /** Puts a first key in place where there is none. `first` makes it, or brings the one that signed until now. */
  begin(first: () => Key): Promise<void>
  /** All that is kept and has not expired, and the time it holds for; removes what has expired. */
  read(): Promise<{ readonly records: readonly SigningKeyRecord[]; readonly nowMs: number }>
}

/** What others may still go by of an older JWK set: its `max-age`, the interval at which instances read, and some. */
const PUBLISHED_FOR_MS = 330_000
/** A key ring holds 16. */
const MAX_KEYS = 15
const CLOCK_TOLERANCE_MS = 60_000

/** What to tell an operator whose secret opens none of the keys. */
export const OTHER_SECRET =
  'KEY_ENCRYPTION_KEY holds another key than the signing keys in the database were sealed with; it may hold that one'

/** The key that signs at a time: of those that have begun, the last. The records are in the order in which they sign. */
export function signingAt(records: readonly SigningKeyRecord[], nowMs: number): SigningKeyRecord | undefined {
  return records.findLast(({ signsFromMs }) => signsFromMs <= nowMs) ?? records[0]
}

/** Manages signing keys. */
export function createKeys(options: KeysOptions): Keys {
  const { database, sealing, alg, clock, newId, maxTokenTtlMs, publishedForMs = PUBLISHED_FOR_MS } = options

  const timeOf = async (kept: SigningKeyRecords) => (await kept.now()) ?? clock.now()
  const expiryOf = (record: SigningKeyRecord, records: readonly SigningKeyRecord[]) => {
    const next = records[records.indexOf(record) + 1]
    return next === undefined ? null : next.signsFromMs + maxTokenTtlMs + CLOCK_TOLERANCE_MS
  }
  const describe = (record: SigningKeyRecord, records: readonly SigningKeyRecord[], nowMs: number): KeyDescription => {
    const { kid, createdAtMs, signsFromMs } = record
    const signing = signingAt(records, nowMs)
    const state = record === signing ? 'signing' : signsFromMs > nowMs ? 'published' : 'verifying'
    return { kid, alg: record.alg, state, createdAtMs, signsFromMs, expiresAtMs: expiryOf(record, records) }
  }
  const sealed = (key: Key, times: { createdAtMs: number; signsFromMs: number }): SigningKeyRecord => {
    const kid = key.kid ?? newId()
    return { kid, alg: key.alg, sealed: sealing.seal(kid, key), ...times }
  }
  /**
   * A key under another secret than the rest is one that no instance can read: they would go on with what they know. Only
   * such a key itself may be taken out by whoever has the other secret.
   */
  const refuseOtherSecret = (records: readonly SigningKeyRecord[], nowMs: number, retired?: string) => {
    const unreadable = records.filter((record) => sealing.open(record) === null)
    const signing = signingAt(records, nowMs)
    if (unreadable.every(({ kid }) => kid === retired && kid !== signing?.kid)) return
    throw new RescindError('forbidden', OTHER_SECRET)
  }
  const changing = <T>(
    work: (kept: SigningKeyRecords, records: readonly SigningKeyRecord[], nowMs: number) => Promise<T>,
  ) =>
    database.inTransaction(async ({ signingKeys }) => {
      await signingKeys.lock()
      return work(signingKeys, await signingKeys.all(), await timeOf(signingKeys))
    })

  return {
    async list() {
      const records = await database.signingKeys.all()
      const nowMs = await timeOf(database.signingKeys)
      return records.map((record) => describe(record, records, nowMs))
    },
    async rotate() {
      // Outside of the transaction: a key for RSA takes its time.
      const key = generateKey(alg)
      return changing(async (kept, records, nowMs) => {
        const waiting = records.find(({ signsFromMs }) => signsFromMs > nowMs)
        if (waiting !== undefined) {
          throw new RescindError('forbidden', `The key ${waiting.kid} is published and waits for its turn.`)
        }
        refuseOtherSecret(records, nowMs)
        if (records.length >= MAX_KEYS) throw new RescindError('forbidden', 'There are too many keys: retire old ones.')
        const record = sealed(key, { createdAtMs: nowMs, signsFromMs: nowMs + publishedForMs })
        await kept.insert(record)
        const all = [...records, record]
        return describe(record, all, nowMs)
      })
    },
    async check(kid) {
      const records = await database.signingKeys.all()
      refuseUnknown(kid, records)
      refuseOtherSecret(records, await timeOf(database.signingKeys), kid)
    },
    async retire(kid) {
      const key = generateKey(alg)
      await changing(async (kept, records, nowMs) => {
        refuseUnknown(kid, records)
        refuseOtherSecret(records, nowMs, kid)
        if (signingAt(records, nowMs)?.kid === kid) {
          await kept.insert(sealed(key, { createdAtMs: nowMs, signsFromMs: nowMs }))
        }
        await kept.delete(kid)
      })
    },
    async begin(first) {
      if ((await database.signingKeys.all()).length > 0) return
      const key = first()
      await changing(async (kept, records, nowMs) => {
        // Another instance may have begun meanwhile: then its key is everybody's.
        if (records.length === 0) await kept.insert(sealed(key, { createdAtMs: nowMs, signsFromMs: nowMs }))
      })
    },
    async read() {
      const records = await database.signingKeys.all()
      const nowMs = await timeOf(database.signingKeys)
      const isOver = (record: SigningKeyRecord) => (expiryOf(record, records) ?? Number.POSITIVE_INFINITY) <= nowMs
      for (const { kid } of records.filter(isOver)) await database.signingKeys.delete(kid)
      return { records: records.filter((record) => !isOver(record)), nowMs }
    },
  }
}

function refuseUnknown(kid: string, records: readonly SigningKeyRecord[]): void {
  if (!records.some((record) => record.kid === kid)) throw new RescindError('not_found', 'There is no such key.')
}
