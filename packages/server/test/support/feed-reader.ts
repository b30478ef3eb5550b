import type { RevocationEntry } from '../../src/revocation-events.ts'

/** What came over one stream so far. */
export interface FeedReader {
  readonly events: readonly { readonly name: string; readonly id: string | undefined; readonly data: unknown }[]
  /** The ids of the records, in the order they came. */
  readonly ids: string[]
  readonly currents: number
  /** `ended`: by the service, cleanly. `broken`: without an end. */
  readonly state: 'open' | 'ended' | 'broken'
  stop(): void
}

/** Reads a stream as it comes, simply: every line of the service ends with a line feed. */
export function readFeed(answer: Response, ending: AbortController = new AbortController()): FeedReader {
  const events: { name: string; id: string | undefined; data: unknown }[] = []
  const ids: string[] = []
  let state: FeedReader['state'] = 'open'
  let text = ''
  const take = (block: string) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    const data = JSON.parse(field('data') ?? 'null') as unknown
    events.push({ name: field('event') ?? '', id: field('id'), data })
    if (Array.isArray(data)) for (const entry of data as RevocationEntry[]) ids.push(entry.id ?? entry.kind)
  }
  const run = async () => {
    const decoder = new TextDecoder()
    for await (const bytes of answer.body ?? []) {
      text += decoder.decode(bytes as Uint8Array, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) take(block)
      if (ending.signal.aborted) break
    }
  }
  run().then(
    () => {
      state = 'ended'
    },
    () => {
      state = 'broken'
    },
  )
  return {
    events,
    ids,
    get currents() {
      return events.filter(({ name }) => name === 'current').length
    },
    get state() {
      return state
    },
    stop: () => ending.abort(),
  }
}
