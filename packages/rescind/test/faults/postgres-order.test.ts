import { eventually } from 'rescind/testing'
import { expect, it, onTestFinished } from 'vitest'
import { idsOf, LATER, readAll, tokenRevocation } from '../stores/ledger-samples.ts'
import { followForever, type TestFollower } from '../stores/postgres-helpers.ts'
import { useSchemas } from '../stores/postgres-schemas.ts'

const openSchema = useSchemas()

const POOLS = 4
const WRITERS = 8
const REVOCATIONS_EACH = 1_000
const FOLLOWERS = 24

it('followers attached at any moment, while many write through many pools, all end with the same history', async () => {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  const stores = Array.from({ length: POOLS }, () => schema.openStore(schema.openPool({ max: 3 })))
  const readers = Array.from({ length: POOLS }, () => schema.openStore(schema.openPool({ max: FOLLOWERS / POOLS + 2 })))
  const total = WRITERS * REVOCATIONS_EACH
  const attachAt = Array.from({ length: FOLLOWERS }, () => Math.floor(Math.random() * total)).toSorted((a, b) => a - b)
  const followers: TestFollower[] = []
  let written = 0

  const write = async (writer: number) => {
    for (let n = 0; n < REVOCATIONS_EACH; ) {
      const { ledger } = stores[(writer + n) % POOLS] ?? schema.openStore()
      const size = Math.min(1 + (n % 3), REVOCATIONS_EACH - n)
      const records = Array.from({ length: size }, (_, i) => tokenRevocation(`${writer}-${n + i}`))
      // Every writer records this one as well: once it is there, it must not move anybody.
      await ledger.append(n % 10 === 0 ? [tokenRevocation('shared'), ...records] : records)
      n += size
      written += size
      while ((attachAt[followers.length] ?? total) < written) {
        const reader = readers[followers.length % POOLS] ?? schema.openStore()
        followers.push(followForever(reader.ledger))
      }
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
  await stores[0]?.ledger.append([tokenRevocation('last', LATER + 1)])

  const history = idsOf(await readAll(schema.openStore().ledger))
  expect(new Set(history).size).toBe(total + 2)
  expect(history.length).toBe(total + 2)
  expect(followers.length).toBe(FOLLOWERS)
  for (const follower of followers) {
    await eventually(() => idsOf(follower.records.slice(-1)).includes('last'), 20_000)
    // No gap, nothing twice, and in the order of the ledger.
    expect(idsOf(follower.records)).toEqual(history)
    expect(follower.error).toBeNull()
  }
  await Promise.all(followers.map((follower) => follower.stop()))
}, 60_000)
