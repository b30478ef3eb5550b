import type { FeedSink, Page, Position } from '../../revocation/ledger.ts'
import type { PgClientLike, PgQueryable } from './client.ts'

/** What following needs of the ledger. */
export interface FollowSource {
  connect(): Promise<PgClientLike>
  /** The channel that is notified of appends. */
  readonly channel: string
  readonly pollMs: number
  look(on: PgQueryable, from: Position): Promise<Page & { readonly isFull: boolean }>
}

// A connection that answers nothing for this long is given up, so that the follower opens another while it may still
// answer from memory.
const LOOK_DEADLINE_MS = 1_000

/**
 * Follows on a connection of its own. A notification is only a doorbell: each look at the table tells what there is, and
 * a look at a fixed pace makes up for notifications that are lost. One look runs at a time; however often the bell rings
 * meanwhile, exactly one more comes after it.
 */
export async function followLedger(
  source: FollowSource,
  from: Position,
  { sink, signal }: { sink: FeedSink; signal: AbortSignal },
): Promise<void> {
  const client = await connectUnlessAborted(source, signal)
  if (client === null) return
  await new Promise<void>((resolve, reject) => {
    let position = from
    let looking = true
    let rang = false
    let over = false
    let timer: NodeJS.Timeout | undefined

    const finish = (error?: Error) => {
      if (over) return
      over = true
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      client.removeListener('notification', ring)
      client.removeListener('end', ended)
      client.removeListener('error', finish)
      // The connection listens: whoever got it from the pool next would be told of what it never asked for.
      client.release(true)
      if (error === undefined) resolve()
      else reject(error)
    }
    const stop = () => finish()
    const ended = () => finish(new Error('the connection to PostgreSQL ended'))
    const ring = () => {
      if (looking) rang = true
      else void look()
    }
    const inTime = async <T>(work: Promise<T>): Promise<T> => {
      clearTimeout(timer)
      timer = setTimeout(() => finish(new Error('PostgreSQL does not answer')), LOOK_DEADLINE_MS)
      try {
        return await work
      } finally {
        clearTimeout(timer)
      }
    }
    const deliver = (page: Page & { isFull: boolean }, askedAt: number) => {
      position = page.position
      if (page.records.length > 0) sink.records(page)
      if (!page.isFull) sink.current(askedAt)
    }
    const look = async () => {
      looking = true
      try {
        let isBehind = true
        while (isBehind && !over) {
          rang = false
          const askedAt = sink.now()
          const page = await inTime(source.look(client, position))
          if (!over) deliver(page, askedAt)
          isBehind = page.isFull || rang
        }
      } catch (error) {
        finish(asError(error))
      }
      looking = false
      // Delivering may have ended it.
      if (over) return
      timer = setTimeout(look, source.pollMs)
      timer.unref()
    }

    signal.addEventListener('abort', stop)
    client.on('notification', ring)
    client.on('end', ended)
    client.on('error', finish)
    // It may have aborted since the connection came.
    if (signal.aborted) return stop()
    // Listening comes first: what is appended after the first look then rings the bell.
    inTime(client.query({ text: `LISTEN "${source.channel}"` })).then(look, (error: unknown) => finish(asError(error)))
  })
}

/** A client of the pool's; `null` when the signal aborts before there is one. */
function connectUnlessAborted({ connect }: FollowSource, signal: AbortSignal): Promise<PgClientLike | null> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(null)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop)
    connect()
      .then((client) => {
        if (!signal.aborted) return resolve(client)
        client.release()
      }, reject)
      .finally(() => signal.removeEventListener('abort', stop))
  })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the look at the ledger failed', { cause: error })
}
