import { type Ledger, type Position, RescindError, type Revocation, type Store } from 'rescind'
import { createDoorbell } from './doorbell.ts'
import { describeFailure } from './storage-failure.ts'

/** How far the mirror is. `behind`: it could not be proved complete for longer than a follower may be stale. */
export interface MirrorStatus {
  readonly state: 'current' | 'behind'
  /** Milliseconds since the mirror was last proved complete; `null` before the first time. */
  readonly lag_ms: number | null
}

/** A copy of the ledger that is being kept. */
export interface RevocationMirror {
  status(): MirrorStatus
  stop(): Promise<void>
}

/** How far copying has come: the place read up to in the source, and a place in the target from which it is all there. */
export interface MirrorPlaces {
  readonly source: Position | null
  readonly target: Position | null
}

/** Where {@link MirrorPlaces} are kept: beside the copy, so that both are lost together. */
export interface MirrorBookmark {
  read(): Promise<MirrorPlaces>
  write(places: MirrorPlaces): Promise<void>
}

/** What a mirror is made of. */
export interface MirrorParts {
  readonly source: Ledger
  readonly target: Pick<Store, 'ledger' | 'inspect'>
  readonly bookmark: MirrorBookmark
  /** After how many milliseconds without proof the mirror counts as behind. */
  readonly maxLagMs: number
  /** Told, in words without secrets, when the mirror breaks, comes back, or is written anew. */
  readonly onWarning: (message: string) => void
}

const BATCH = 500
const LOOK_MS = 500
const PRUNE_MS = 10_000
const PRUNE_LIMIT = 1_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2_000
const BEGINNING: MirrorPlaces = { source: null, target: null }

/**
 * Copies every record of one ledger into another, in order, for as long as it is not stopped: from PostgreSQL to Redis,
 * for resource servers to tail. Several processes may keep the same mirror, since recording a revocation again changes
 * nothing. The mirror goes on from its bookmark, and from the beginning where the target has lost its history.
 *
 * What is written here is not waited for by anyone who revokes. A follower of the mirror is as fresh as the mirror, not
 * as the ledger: while the mirror is behind, it believes itself up to date and lets pass what was revoked since. Who
 * needs to know tails the ledger itself.
 */
export function startRevocationMirror(parts: MirrorParts): RevocationMirror {
  const { source, target, bookmark, maxLagMs, onWarning } = parts
  const ending = new AbortController()
  let provedAt: number | null = null
  let prunedAt = performance.now()
  let isBroken = false

  const pass = async (from: MirrorPlaces): Promise<MirrorPlaces> => {
    const askedAt = performance.now()
    // Reading on in the target is the test that its history is whole; what is appended is no such proof, since a target
    // that has just lost everything takes it all the same.
    let places: MirrorPlaces = { ...from, target: await endOf(target.ledger, from.target) }
    for await (const page of source.read(from.source)) {
      ending.signal.throwIfAborted()
      for (const batch of batchesOf(page.records)) await target.ledger.append(batch)
      places = { ...places, source: page.position }
    }
    if (places.source !== from.source) {
      places = { ...places, target: await endOf(target.ledger, places.target) }
      await bookmark.write(places)
    }
    provedAt = askedAt
    if (isBroken) onWarning('the mirror of the revocations is up to date again')
    isBroken = false
    return places
  }

  const passOrBeginAgain = async (from: MirrorPlaces): Promise<MirrorPlaces> => {
    try {
      return await pass(from)
    } catch (error) {
      if (!isHistoryLost(error)) throw error
      onWarning('the mirror of the revocations is written anew: history was lost')
      return pass(BEGINNING)
    }
  }

  const prune = async () => {
    if (performance.now() - prunedAt < PRUNE_MS) return
    prunedAt = performance.now()
    // A clock that is set forward while the service runs makes nothing expire early.
    const nowMs = Math.floor(performance.timeOrigin + prunedAt)
    while ((await target.ledger.prune(nowMs, PRUNE_LIMIT)) > 0) ending.signal.throwIfAborted()
  }

  /** Mirrors until something fails. */
  const mirror = async (attempt: AbortController): Promise<never> => {
    let places = await passOrBeginAgain(await bookmark.read())
    const doorbell = createDoorbell()
    const sink = { now: () => performance.now(), records: () => doorbell.ring(), current: () => {} }
    let broken: unknown
    follow(source, places.source, { sink, signal: attempt.signal }).catch((error: unknown) => {
      broken = error
      doorbell.ring()
    })
    for (;;) {
      await doorbell.rung(LOOK_MS, attempt.signal)
      attempt.signal.throwIfAborted()
      if (broken !== undefined) throw broken
      places = await passOrBeginAgain(places)
      await prune()
    }
  }

  const keepMirroring = async () => {
    let inspected = false
    for (let failures = 0; !ending.signal.aborted; failures += 1) {
      const attempt = new AbortController()
      const end = () => attempt.abort()
      ending.signal.addEventListener('abort', end, { once: true })
      const startedAt = provedAt
      try {
        if (!inspected) for (const warning of (await target.inspect?.()) ?? []) onWarning(warning)
        inspected = true
        await mirror(attempt)
      } catch (error) {
        if (ending.signal.aborted) return
        if (provedAt !== startedAt) failures = 0
        if (!isBroken)
          onWarning(`the mirror of the revocations broke and is retried: ${describeFailure(error).message}`)
        isBroken = true
      } finally {
        ending.signal.removeEventListener('abort', end)
        attempt.abort()
      }
      await createDoorbell().rung(retryDelayMs(failures), ending.signal)
    }
  }
  const kept = keepMirroring()

  return {
    status() {
      const lagMs = provedAt === null ? null : Math.round(performance.now() - provedAt)
      return { state: lagMs !== null && lagMs <= maxLagMs ? 'current' : 'behind', lag_ms: lagMs }
    },
    async stop() {
      ending.abort()
      await kept
    },
  }
}

async function follow(
  source: Ledger,
  from: Position | null,
  { sink, signal }: { sink: Parameters<Ledger['follow']>[1]; signal: AbortSignal },
): Promise<void> {
  if (from === null) throw new Error('the ledger answered no position')
  await source.follow(from, sink, signal)
  throw new Error('the ledger is no longer followed')
}

/** Where a ledger ends now, seen from a place in it. */
async function endOf(ledger: Ledger, from: Position | null): Promise<Position | null> {
  let position = from
  for await (const page of ledger.read(from)) position = page.position
  return position
}

function* batchesOf(records: readonly Revocation[]): Iterable<readonly Revocation[]> {
  for (let at = 0; at < records.length; at += BATCH) yield records.slice(at, at + BATCH)
}

function isHistoryLost(error: unknown): boolean {
  return error instanceof RescindError && error.code === 'history_lost'
}

function retryDelayMs(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2)
}
