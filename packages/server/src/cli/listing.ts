import { UsageError } from './command.ts'
import { firstOf } from './operators.ts'
import { printAll, showsJson } from './printing.ts'
import { type Terminal, tell } from './terminal.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 100_000

/** The options of a listing. */
export const limit = {
  limit: { type: 'string', value: '<number>', is: `how many at most; ${DEFAULT_LIMIT} where it is left out` },
} as const

/** What is listed, and how. */
export interface Listing<T> {
  readonly pages: AsyncIterable<readonly T[]>
  readonly shown: (item: T) => Readonly<Record<string, unknown>>
  /** What a table has room for, where that is less. @default `shown` */
  readonly inTable?: (item: T) => Readonly<Record<string, unknown>>
  readonly values: { readonly json?: boolean | undefined; readonly limit?: string | undefined }
}

/** Shows the first of many, and says where there are more. */
export async function printListing<T>(terminal: Terminal, listing: Listing<T>): Promise<void> {
  const { pages, shown, inTable = shown, values } = listing
  const { items, areMore } = await firstOf(pages, readLimit(values.limit))
  printAll(terminal, values.json, items.map(showsJson(terminal, values.json) ? shown : inTable))
  if (areMore) tell(terminal, `there are more: --limit shows up to ${MAX_LIMIT}, rescind export shows all`)
}

function readLimit(given: string | undefined): number {
  if (given === undefined) return DEFAULT_LIMIT
  const count = /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (count >= 1 && count <= MAX_LIMIT) return count
  throw new UsageError(`--limit may be a number from 1 to ${MAX_LIMIT}`)
}
