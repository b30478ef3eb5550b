import fc from 'fast-check'
import type { Ledger, Page, Revocation } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { expect, it } from 'vitest'
import { createRevocationListing } from '../src/services/operators/revocation-listing.ts'

const NOW_MS = 1_700_000_000_000

/** The reading side of a ledger with pages of so many records, which may hold the same record several times. */
function ledgerOf(records: readonly Revocation[], pageSize: number): { ledger: Ledger; forget(index: number): void } {
  const rows: ({ position: number; record: Revocation } | null)[] = records.map((record, at) => {
    return { position: at + 1, record }
  })
  async function* read(from: string | null): AsyncGenerator<Page> {
    let after = Number(from ?? 0)
    for (;;) {
      const page = rows.filter((row) => row !== null && row.position > after).slice(0, pageSize)
      after = page.at(-1)?.position ?? after
      yield { records: page.flatMap((row) => row?.record ?? []), position: String(after) }
      if (page.length < pageSize) return
    }
  }
  const refuse = async () => {
    throw new Error('this ledger is only read')
  }
  return {
    ledger: { append: refuse, read, follow: refuse, find: refuse, prune: refuse, generation: refuse },
    forget: (index) => {
      rows[index] = null
    },
  }
}

// So few that most of them come several times, alike in everything or in all but one thing.
const record = fc.record({
  kind: fc.constantFrom('token' as const, 'session' as const),
  id: fc.constantFrom('a', 'b'),
  at: fc.constantFrom(NOW_MS - 2, NOW_MS - 1),
  expiresAt: fc.constantFrom(NOW_MS, NOW_MS + 1_000, NOW_MS + 2_000),
})

interface Walk {
  readonly records: readonly Revocation[]
  readonly pageSize: number
  readonly limits: readonly number[]
}

const walks: fc.Arbitrary<Walk> = fc.record({
  records: fc.array(record, { maxLength: 30 }),
  pageSize: fc.integer({ min: 1, max: 12 }),
  limits: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }),
})

/** Reads all pages; between two of them something happens. Fails where they do not end. */
async function walk(ledger: Ledger, { limits, records }: Walk, between = (_page: number) => {}): Promise<Revocation[]> {
  const list = createRevocationListing(ledger, createFakeClock(NOW_MS))
  const shown: Revocation[] = []
  let cursor: string | undefined
  // What is forgotten may make a page of the ledger begin anew.
  const mostPages = (records.length + 1) * (records.length + 1)
  for (let page = 0; page <= mostPages; page += 1) {
    const { items, nextCursor } = await list({ cursor, limit: limits[page % limits.length] })
    shown.push(...items)
    if (nextCursor === null) return shown
    cursor = nextCursor
    between(page)
  }
  throw new Error(`the listing does not end: ${shown.length} shown`)
}

const isLive = ({ expiresAt }: Revocation) => expiresAt > NOW_MS

it('shows every live record exactly once and in order, though some are alike in everything', async () => {
  await fc.assert(
    fc.asyncProperty(walks, async (wish) => {
      const { ledger } = ledgerOf(wish.records, wish.pageSize)
      expect(await walk(ledger, wish)).toEqual(wish.records.filter(isLive))
    }),
  )
})

it('ends, and leaves none out that stays, while others expire and are forgotten', async () => {
  const forgotten = fc.array(fc.tuple(fc.nat(20), fc.constantFrom(NOW_MS, NOW_MS + 1_000)), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(walks, forgotten, async (wish, times) => {
      const { ledger, forget } = ledgerOf(wish.records, wish.pageSize)
      const gone = new Set<Revocation>()
      const shown = await walk(ledger, wish, (page) => {
        for (const [when, expiresAt] of times) {
          if (when !== page) continue
          for (const [index, record] of wish.records.entries()) {
            if (record.expiresAt > expiresAt) continue
            gone.add(record)
            forget(index)
          }
        }
      })
      const staying = wish.records.filter((record) => isLive(record) && !gone.has(record))
      const countOf = (records: readonly Revocation[], wanted: Revocation) =>
        records.filter((one) => JSON.stringify(one) === JSON.stringify(wanted)).length
      for (const one of staying) expect(countOf(shown, one)).toBeGreaterThanOrEqual(countOf(staying, one))
    }),
  )
})
