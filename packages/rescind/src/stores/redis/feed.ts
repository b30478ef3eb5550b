import { historyLost } from '../../base/errors.ts'
import type { FeedSink, Page, Position } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { CHECK } from './ledger-scripts.ts'
import { listOf, textOf } from './replies.ts'
import { nonce, type RedisScript } from './script.ts'

/** A place in the feed: its history, the part of it, and the last entry before it. */
interface Place {
  readonly generation: string
  readonly epoch: string
  readonly entry: string
}

/** What a look at the feed needs of a connection. */
export interface FeedReader {
  send(args: string[]): Promise<unknown>
  run(script: RedisScript, args: readonly string[]): Promise<unknown>
  readonly feedKey: string
}

const PAGE_ENTRIES = 1_000
const BEFORE_ALL = '0-0'
/** For how long a follower's connection waits for the next entry before it asks for a proof that there is none. */
export const BLOCK_MS = 300

/** Reads everything after a place, page by page. */
export async function* readFeed(reader: FeedReader, from: Position | null): AsyncGenerator<Page> {
  let place = await enter(reader, from)
  for (;;) {
    const { records, entry } = await entriesAfter(reader, place)
    // What was read counts only if it is still the same history: the page before it may be of one that was lost since.
    place = await check(reader, { ...place, entry })
    yield { records, position: writePlace(place) }
    if (records.length < PAGE_ENTRIES) return
  }
}

/** Delivers everything after a place, and proofs that there is no more, until the connection breaks. */
export async function followFeed(reader: FeedReader, from: Position, sink: FeedSink): Promise<never> {
  let place = await enter(reader, from)
  for (;;) {
    const askedAt = sink.now()
    const { records, entry } = await entriesAfter(reader, place)
    if (records.length > 0) sink.records({ records, position: writePlace({ ...place, entry }) })
    place = await check(reader, { ...place, entry })
    if (records.length === PAGE_ENTRIES) continue
    sink.current(askedAt)
    // Only the doorbell: what it announces is read above, and proved to belong to the same history.
    await reader.send(['XREAD', 'COUNT', '1', 'BLOCK', String(BLOCK_MS), 'STREAMS', reader.feedKey, place.entry])
  }
}

/** Rejects with `history_lost` unless the place is in the feed's history; answers it in terms of the current epoch. */
export async function enter(reader: Pick<FeedReader, 'run'>, from: Position | null): Promise<Place> {
  return check(reader, from === null ? null : readPlace(from))
}

/** The history's generation, which begins with the first who asks. */
export async function generationOf(reader: Pick<FeedReader, 'run'>): Promise<string> {
  return (await check(reader, null)).generation
}

async function check({ run }: Pick<FeedReader, 'run'>, place: Place | null): Promise<Place> {
  const entry = place?.entry ?? BEFORE_ALL
  const args = place === null ? ['', '', ''] : [place.generation, place.epoch, entry]
  const [generation, epoch] = listOf(await run(CHECK, [nonce(), ...args])).map(textOf)
  if (generation === undefined || epoch === undefined) throw historyLost()
  return { generation, epoch, entry }
}

/** The next records, and the last entry up to which they reach. */
async function entriesAfter(
  { send, feedKey }: FeedReader,
  { entry }: Place,
): Promise<{ records: Revocation[]; entry: string }> {
  const reply = await send(['XRANGE', feedKey, `(${entry}`, '+', 'COUNT', String(PAGE_ENTRIES)])
  let last = entry
  const records = listOf(reply).map((item) => {
    const [id, fields] = listOf(item)
    last = textOf(id)
    // The record is the first field of each entry.
    return JSON.parse(textOf(listOf(fields)[1])) as Revocation
  })
  return { records, entry: last }
}

/** Writes a place as a position's text. */
export function writePlace({ generation, epoch, entry }: Place): Position {
  return `${generation}:${epoch}:${entry}`
}

function readPlace(position: Position): Place {
  const [, generation, epoch, entry] = /^([0-9a-f]{16}):([0-9a-f]{16}):(\d{1,15}-\d{1,15})$/.exec(position) ?? []
  if (generation === undefined || epoch === undefined || entry === undefined) throw historyLost()
  return { generation, epoch, entry }
}
