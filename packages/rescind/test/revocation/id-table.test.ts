import { describe, expect, it } from 'vitest'
import { IdKeys, KEY_PLACE, KEY_SLOT, KEY_WORDS, uuidOf } from '../../src/revocation/id-key.ts'
import { IdTable } from '../../src/revocation/id-table.ts'

const NOW = 1_700_000_000_000

/** A UUID for each number, far from those of its neighbours. */
function uuidFor(n: number): string {
  const word = (salt: number) => (Math.imul((n + 1) ^ salt, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
  const hex = word(1) + word(0x5bd1e995) + word(0x27d4eb2f) + n.toString(16).padStart(8, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** UUIDs that differ in their last digits only. */
const crowdedUuidFor = (n: number) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const textFor = (n: number) => `user:${n}${'é'.repeat(n % 40)}${n % 1_000 === 0 ? '界'.repeat(400) : ''}`

function openTable(extraWords = 0, keys = new IdKeys()) {
  const table = new IdTable(keys, extraWords)
  const key = new Int32Array(KEY_WORDS)
  const keyOf = (id: string) => {
    keys.write(id, key, 0)
    return key
  }
  return {
    table,
    keyOf,
    put: (id: string, expiresAtMs: number) => table.put(id, keyOf(id), 0, expiresAtMs),
    has(id: string) {
      const found = table.seek(id, keyOf(id), 0)
      const may = table.mayHold(key[KEY_PLACE] ?? 0, key[KEY_SLOT] ?? 0)
      if (found && !may) throw new Error(`${id} is held, and yet a lookup by hashes would miss it`)
      return found
    },
    forget: (nowMs: number) => [...table.forget(nowMs)].reduce((sum, count) => sum + count, 0),
    ids: () => [...table.entries()].map(({ id }) => id),
  }
}

const kinds: [string, count: number, idFor: (n: number) => string][] = [
  ['UUIDs', 200_000, uuidFor],
  ['UUIDs of one pattern', 100_000, crowdedUuidFor],
  ['texts', 100_000, textFor],
]

/** What putting so many ids came to; `expect` itself would take longer than all the rest. */
function outcomes(put: (id: string, expiresAtMs: number) => string, count: number, idFor: (n: number) => string) {
  const seen = new Set<string>()
  for (let n = 0; n < count; n += 1) seen.add(put(idFor(n), NOW))
  return seen
}

describe.each(kinds)('a table of %s', (_, count, makeId) => {
  const all = Array.from({ length: 2 * count }, (_, n) => makeId(n))
  const idFor = (n: number) => all[n] ?? ''

  it('holds every one of very many, and none of as many neighbours', () => {
    const { table, put, has, ids } = openTable()
    expect(outcomes(put, count, idFor)).toEqual(new Set(['fresh']))
    expect(table.size).toBe(count)
    for (let n = 0; n < count; n += 1) {
      if (!has(idFor(n))) expect.unreachable(`${idFor(n)} was lost`)
      if (has(idFor(n + count))) expect.unreachable(`${idFor(n + count)} was never put there`)
    }
    expect(outcomes(put, count, idFor)).toEqual(new Set(['known']))
    const given = new Set(ids())
    expect(given.size).toBe(count)
    expect(all.slice(0, count).every((id) => given.has(id))).toBe(true)
  })

  it('forgets exactly what is due, however it is spread, and gives all memory back in the end', () => {
    const { table, put, has, forget, ids } = openTable()
    const empty = table.bytes
    // Every share expires a minute after the one before.
    const shares = 10
    for (let n = 0; n < count; n += 1) put(idFor(n), NOW + 60_000 * (n % shares))
    const full = table.bytes
    for (let share = 0; share < shares; share += 1) {
      expect(forget(NOW + 60_000 * share)).toBe(count / shares)
      expect(table.size).toBe(count - (share + 1) * (count / shares))
      for (let n = 0; n < count; n += 7) {
        if (has(idFor(n)) !== n % shares > share) expect.unreachable(`${idFor(n)}: ${has(idFor(n))}`)
      }
      if (share === shares - 3) expect(new Set(ids()).size).toBe(2 * (count / shares))
    }
    expect(table.bytes).toBe(empty)
    expect(full).toBeGreaterThan(100 * empty)
    expect(outcomes(put, count, idFor)).toEqual(new Set(['fresh']))
  })

  it('loses nothing that comes while it forgets or is read', () => {
    const { table, put, has, ids } = openTable()
    const kept = count / 2
    for (let n = 0; n < kept; n += 1) put(idFor(n), n % 2 === 0 ? NOW : NOW + 60_000)
    let next = kept
    const add = (most: number) => {
      for (const end = Math.min(count, next + most); next < end; next += 1) put(idFor(next), NOW + 60_000)
    }
    const seen = new Set<string>()
    const forgetting = table.forget(NOW)
    for (const { id } of table.entries()) {
      seen.add(id)
      if (seen.size % 500 === 0) forgetting.next()
      if (seen.size % 100 === 0) add(200)
    }
    for (const _ of forgetting) add(count)
    add(count)
    expect(table.size).toBe(count - kept / 2)
    for (let n = 0; n < count; n += 1) {
      if (has(idFor(n)) !== (n >= kept || n % 2 === 1)) expect.unreachable(`${idFor(n)}: ${has(idFor(n))}`)
      if (n < kept && n % 2 === 1 && !seen.has(idFor(n))) expect.unreachable(`${idFor(n)} was passed over`)
    }
    expect(ids().length).toBe(table.size)
  })
})

describe('a table', () => {
  it('takes at most 32 bytes for a UUID, at any size from a few thousand on', () => {
    const { table, put } = openTable()
    for (let n = 0; n < 150_000; n += 1) {
      put(uuidFor(n), NOW)
      if (n >= 4_000 && n % 500 === 0) expect(table.bytes / table.size).toBeLessThanOrEqual(32)
    }
  })

  it('tells ids apart that have all hashes in common', () => {
    // With a secret of zeros, the hashes that place a key multiply the halves of its words, and here one half is 0.
    const { put, has } = openTable(0, new IdKeys((bytes) => bytes.fill(0)))
    const idFor = (word: number, n: number) => {
      const words = [0, 1, 2, 3].map((at) => (at === word ? n : 0).toString(16).padStart(4, '0'))
      const hex = words.map((half) => `${half}0000`).join('')
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    }
    for (let word = 0; word < 4; word += 1) for (let n = 2; n < 300; n += 2) put(idFor(word, n), NOW)
    for (let word = 0; word < 4; word += 1) {
      for (let n = 1; n < 300; n += 1) expect(has(idFor(word, n))).toBe(n % 2 === 0)
    }
  })

  it('tells a text from the UUID that has the same bits', () => {
    for (const order of [0, 1]) {
      const { put, has, keyOf } = openTable()
      const both = ['alice', uuidOf(keyOf('alice'), 0)]
      const [first = '', second = ''] = order === 0 ? both : both.reverse()
      put(first, NOW)
      expect(has(second)).toBe(false)
      expect(put(second, NOW)).toBe('fresh')
      expect(has(first) && has(second)).toBe(true)
    }
  })

  it('tells texts apart whose hashes are alike', () => {
    const { table, keyOf } = openTable()
    const texts = [
      'alice',
      'blice',
      'alicĀ',
      'alic\0',
      'alicf',
      'alic',
      'alicé',
      'alic用',
      '用户',
      '用',
      'x'.repeat(126),
      'x'.repeat(127),
      'x'.repeat(128),
    ]
    const key = keyOf('alice')
    for (const [n, text] of texts.entries()) {
      for (const [other, known] of texts.entries()) expect(table.seek(known, key, 0)).toBe(other < n)
      table.put(text, key, 0, NOW)
    }
    expect([...table.entries()].map(({ id }) => id).sort()).toEqual(texts.sort())
  })

  it('does its forgetting in many slices', () => {
    const { put, table } = openTable()
    for (let n = 0; n < 200_000; n += 1) put(uuidFor(n), n % 2 === 0 ? NOW : NOW + 60_000)
    const slices = [...table.forget(NOW)]
    expect(slices.length).toBeGreaterThan(8)
    expect(Math.max(...slices)).toBeLessThanOrEqual(20_000)
  })

  it('takes an id back that it had forgotten', () => {
    const { table, put, has, forget } = openTable()
    for (let n = 0; n < 100; n += 1) put(uuidFor(n), n === 0 ? NOW : NOW + 60_000)
    expect(forget(NOW)).toBe(1)
    expect(has(uuidFor(0))).toBe(false)
    expect(put(uuidFor(0), NOW + 60_000)).toBe('fresh')
    expect(has(uuidFor(0))).toBe(true)
    expect(table.size).toBe(100)
  })

  describe.each([
    ['UUIDs', uuidFor, 36],
    ['texts', (n: number) => `${n}`.padEnd(200), 800],
  ])('of %s, when as many come as go', (_, idFor, bytesEach) => {
    const perMinute = 10
    const minutesKept = 50
    const { table, put, forget } = openTable()
    const memory: number[] = []
    const arrays = new Set<Int32Array>()
    for (let minute = 0; minute < 400; minute += 1) {
      for (let n = 0; n < perMinute; n += 1) put(idFor(minute * perMinute + n), NOW + 60_000 * (minute + minutesKept))
      forget(NOW + 60_000 * minute)
      if (minute < 2 * minutesKept) continue
      memory.push(table.bytes)
      arrays.add(table.words)
    }

    it('takes no more memory the longer it is in use', () => {
      expect(table.size).toBe(perMinute * minutesKept)
      expect(Math.max(...memory) / table.size).toBeLessThan(bytesEach)
    })

    it('is seldom made anew', () => {
      // Each time, all its rows are moved: this is at most eight moves for an id that comes.
      expect(arrays.size * table.size).toBeLessThan(8 * perMinute * memory.length)
    })
  })

  it('gives back the memory of texts that are gone, among ids that stay', () => {
    const { table, put, forget } = openTable()
    for (let n = 0; n < 2_000; n += 1) put(uuidFor(n), NOW + 3_600_000)
    const before = table.bytes
    for (let round = 0; round < 200; round += 1) {
      for (let n = 0; n < 10; n += 1) put(`${round} ${n}`.padEnd(400), NOW + 2_000 * round)
      forget(NOW + 2_000 * round)
    }
    expect(table.bytes).toBeLessThan(before + 50_000)
  })

  it('can be used over and over', () => {
    const { put, has, forget } = openTable()
    for (let round = 0; round < 3_000; round += 1) {
      const idOf = (n: number) => uuidFor(round * 20 + n)
      for (let n = 0; n < 20; n += 1) put(idOf(n), NOW + 60_000 * round)
      for (let n = 0; n < 20; n += 1) if (!has(idOf(n)) || has(idOf(n - 20))) expect.unreachable(`${round}: ${n}`)
      expect(forget(NOW + 60_000 * round)).toBe(20)
    }
  })

  it('splits what holds much text, so that one addition never moves much', () => {
    const { table, put, has } = openTable()
    const textOf = (n: number) => `${n}`.padEnd(1_000)
    for (let n = 0; n < 4_000; n += 1) put(textOf(n), NOW)
    const arrays = new Set<Int32Array>()
    for (let n = 0; n < 4_000; n += 1) if (has(textOf(n))) arrays.add(table.words)
    expect(arrays.size).toBeGreaterThanOrEqual(4)
  })

  it('keeps the words of a row with it', () => {
    const { table, put, has, forget } = openTable(2)
    for (let n = 0; n < 60_000; n += 1) {
      put(uuidFor(n), n % 3 === 0 ? NOW : NOW + 60_000)
      table.words[table.at + 5] = n
      table.words[table.at + 6] = -n
    }
    forget(NOW)
    for (let n = 1; n < 60_000; n += 3) {
      expect(has(uuidFor(n))).toBe(true)
      expect([table.words[table.at + 5], table.words[table.at + 6]]).toEqual([n, -n])
    }
  })
})
