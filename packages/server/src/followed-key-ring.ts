import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, createKeyRing, type Key, type KeyRing, RescindError } from 'rescind'
import { ConfigError } from './config.ts'
import type { SigningKeyRecord } from './repositories/signing-keys.ts'
import type { KeySealing } from './services/key-sealing.ts'
import { type Keys, OTHER_SECRET, signingAt } from './services/keys.ts'
import { describeFailure } from './storage-failure.ts'

/** A key ring that is as the database says, a moment later. */
export interface FollowedKeyRing {
  readonly keys: KeyRing
  /** Reads the database now. */
  refresh(): Promise<void>
  /**
   * Reads the database as it is at the call or later, at most once in {@link FollowedKeyRingOptions.restMs}: all who ask
   * meanwhile wait for the same read. Rejects with `overloaded` where it fails.
   */
  readAgain(): Promise<void>
  /** The same for whoever cannot wait: resolves at once where no read is due, and does not tell how it went. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

/** What a key ring follows. */
export interface FollowedKeyRingOptions {
  readonly keys: Keys
  readonly sealing: KeySealing
  readonly clock: Clock
  readonly onWarning: (message: string) => void
  /** @default 2_000 */
  readonly intervalMs?: number
  /** How long the database is left alone between two reads that were asked for: strangers may ask. @default 1_000 */
  readonly restMs?: number
}

/**
 * Opens the keys in the database, and looks every two seconds whether they have changed. While the database is away, keys
 * take their turns by what was read last.
 *
 * @throws ConfigError where they were sealed with another secret
 */
export async function followKeys(options: FollowedKeyRingOptions): Promise<FollowedKeyRing> {
  const { keys, sealing, clock, onWarning, intervalMs = 2_000, restMs = 1_000 } = options
  const opened = new Map<string, Key>()
  let known: { records: readonly SigningKeyRecord[]; aheadMs: number } = { records: [], aheadMs: 0 }

  const open = (record: SigningKeyRecord): Key => {
    const key = opened.get(record.sealed) ?? sealing.open(record)
    if (key === null) throw new ConfigError(OTHER_SECRET)
    opened.set(record.sealed, key)
    return key
  }
  const read = async () => {
    const { records, nowMs } = await keys.read()
    if (records.length === 0) throw new Error('there are none')
    try {
      // All of them, before any is believed.
      for (const record of records) open(record)
    } catch (error) {
      // But one that cannot be read must not keep another in that was taken out.
      const left = known.records.filter(({ sealed }) => records.some((record) => record.sealed === sealed))
      if (left.length > 0) known = { ...known, records: left }
      throw error
    }
    for (const sealed of opened.keys()) if (!records.some((one) => one.sealed === sealed)) opened.delete(sealed)
    known = { records, aheadMs: nowMs - clock.now() }
  }
  const currentRing = () => {
    const { records, aheadMs } = known
    const active = signingAt(records, clock.now() + aheadMs)
    if (active === undefined) throw new Error('there are no signing keys')
    const verifyOnly = records.filter((record) => record !== active).map(open)
    const name = [active, ...records].map(({ sealed }) => sealed).join(' ')
    return { name, make: () => createKeyRing({ active: open(active), verifyOnly }) }
  }

  await read()
  const first = currentRing()
  let name = first.name
  const ring = replaceable(first.make())
  const update = () => {
    const next = currentRing()
    if (next.name === name) return
    ring.replace(next.make())
    name = next.name
  }
  let failure: unknown = null
  const refresh = async () => {
    let failed: unknown = null
    try {
      await read()
    } catch (error) {
      failed = error
    }
    try {
      // Also where nothing was read: keys take their turns.
      update()
    } catch (error) {
      failed ??= error
    }
    if (failed !== null && failure === null) {
      onWarning(`the signing keys cannot be read: ${describeFailure(failed).message}`)
    }
    failure = failed
  }
  let refreshing: Promise<void> | null = null
  const refreshOnce = () => {
    refreshing ??= refresh().finally(() => {
      refreshing = null
    })
    return refreshing
  }
  const timer = setInterval(refreshOnce, intervalMs)
  timer.unref()

  let resting: Promise<void> | null = null
  const rest = () => {
    resting = delay(restMs, undefined, { ref: false }).then(() => {
      resting = null
    })
  }
  let next: Promise<void> | null = null
  const readInTurn = async () => {
    await resting
    // One that has begun may have missed what is asked for.
    await refreshing
    next = null
    rest()
    await refreshOnce()
    if (failure === null) return
    throw new RescindError('overloaded', 'The signing keys cannot be read: try again.', { cause: failure })
  }
  const readAgain = () => {
    next ??= readInTurn()
    return next
  }
  return {
    keys: ring.keys,
    refresh: refreshOnce,
    readAgain,
    async catchUp() {
      if (refreshing !== null) await refreshing
      else if (resting === null) await readAgain().catch(() => {})
    },
    async close() {
      clearInterval(timer)
      await refreshing
    },
  }
}

/** One ring to those who hold it, whose content is replaced as a whole. */
function replaceable(first: KeyRing): { keys: KeyRing; replace(next: KeyRing): void } {
  let ring = first
  let version = 0
  const elsewhere = () => {
    throw new Error('these keys are kept in the database')
  }
  return {
    keys: {
      get active() {
        return ring.active
      },
      get version() {
        return version
      },
      get algorithms() {
        return ring.algorithms
      },
      candidates: (alg, kid) => ring.candidates(alg, kid),
      rotate: elsewhere,
      retire: elsewhere,
      jwks: () => ring.jwks(),
    },
    replace(next) {
      ring = next
      version += 1
    },
  }
}
