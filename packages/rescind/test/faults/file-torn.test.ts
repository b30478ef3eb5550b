import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Revocation, Store } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createRandom } from '../support/random.ts'

const NOW = 1_700_000_000_000
const facts = { at: NOW, expiresAt: NOW + 86_400_000 }
const records: Revocation[] = [
  { kind: 'token', id: 'private-0', ...facts },
  { kind: 'token', id: 'private-1', ...facts, reason: 'a\nline {"break"} – and more' },
  { kind: 'subject', id: 'private-2', before: NOW, except: 'private-2', ...facts },
  { kind: 'session', id: 'private-3', ...facts },
]
const added: Revocation = { kind: 'token', id: 'added', ...facts }

/** Where a frame begins and ends in the file, its newlines included. */
interface Range {
  readonly start: number
  readonly end: number
}

const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
const AT_ONCE = 8
const TIMEOUT_MS = 60_000
let whole: Buffer
const frames: Range[] = []

async function readAll({ ledger }: Store): Promise<Revocation[]> {
  const all: Revocation[] = []
  for await (const page of ledger.read(null)) all.push(...page.records)
  return all
}

/** Opens a log of these bytes, adds to it, opens it once more; answers what it was told at first. */
async function checkHolds(bytes: Buffer, expected: readonly Revocation[], about: string): Promise<string[]> {
  const path = join(folder, about)
  const file = `${path}.1`
  writeFileSync(file, bytes)
  const warnings: string[] = []
  const store = fileStore(path, { onWarning: (message) => warnings.push(message) })
  deepEqual(await readAll(store), expected, about)
  const told = [...warnings]
  const early = fileStore(path)
  deepEqual(await readAll(early), expected, about)
  await store.ledger.append([added])
  const late = fileStore(path)
  for (const each of [store, early, late]) deepEqual(await readAll(each), [...expected, added], about)
  await Promise.all([store, early, late].map((each) => each.close()))
  ok(warnings.every((warning) => !warning.includes('private')))
  deepEqual(warnings, told, about)
  rmSync(file)
  return told
}

/** Checks each byte of the last three frames. */
async function forEachByte(body: (at: number) => Promise<void>): Promise<void> {
  const from = frames.at(-3)?.start ?? 0
  ok(from > 0 && whole.length - from > 300)
  for (let at = from; at < whole.length; at += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, whole.length - at) }, (_, n) => body(at + n))
    await Promise.all(some)
  }
}

describe('a damaged log', () => {
  beforeAll(async () => {
    const path = join(folder, 'log')
    const store = fileStore(path)
    await store.ledger.generation()
    for (const record of records) {
      const start = statSync(`${path}.1`).size
      await store.ledger.append([record])
      frames.push({ start, end: statSync(`${path}.1`).size })
    }
    await store.close()
    whole = readFileSync(`${path}.1`)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it(
    'that was cut off at any byte of its last frames holds what was whole before, and says what is cut',
    async () => {
      await forEachByte(async (length) => {
        // All but its last newline is a whole frame.
        const isWhole = (frame: Range | undefined) => frame !== undefined && frame.end - 1 <= length
        const expected = records.filter((_, n) => isWhole(frames[n]))
        const about = `cut at ${length}`
        const warnings = await checkHolds(whole.subarray(0, length), expected, about)
        const torn = frames.find((frame) => frame.start + 1 < length && !isWhole(frame))
        equal(warnings.length, torn === undefined ? 0 : 1, about)
        if (torn) match(warnings[0] ?? '', new RegExp(`\\b${length - torn.start - 1} bytes at byte ${torn.start + 1} `))
      })
    },
    TIMEOUT_MS,
  )

  it(
    'with a flipped bit at any byte of its last frames lacks that frame only, and says so',
    async () => {
      const random = createRandom(1)
      await forEachByte(async (at) => {
        const damaged = Buffer.from(whole)
        const bit = random.below(8)
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        const isHit = (frame: Range | undefined) => frame !== undefined && frame.start <= at && at < frame.end
        const expected = records.filter((_, n) => !isHit(frames[n]))
        const about = `bit ${bit} of byte ${at}`
        const warnings = await checkHolds(damaged, expected, about)
        ok(warnings.length > 0, about)
      })
    },
    TIMEOUT_MS,
  )

  it('with a damaged byte in its beginning is whole; with more it is refused, and left as it is', async () => {
    const damaged = Buffer.from(whole)
    damaged[20] = 0
    deepEqual(await checkHolds(damaged, records, 'one byte'), [])
    damaged.fill(0, 0, frames[0]?.start ?? 0)
    const path = join(folder, 'no header')
    writeFileSync(`${path}.1`, damaged)
    const store = fileStore(path)
    await rejects(readAll(store), { code: 'store_failed' })
    await rejects(store.ledger.append([added]), { code: 'store_failed' })
    await store.close()
    deepEqual(readFileSync(`${path}.1`), damaged)
  })
})
