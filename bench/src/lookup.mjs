import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { checkable, createRevocationCheck } from '../../packages/rescind/dist/revocation/check.js'
import { createRevocationSet } from '../../packages/rescind/dist/revocation/revocation-set.js'
import { interleave } from './interleave.mjs'
import { print } from './table.mjs'

const FEW = 1_000
const MANY = Number(process.env.BENCH_RECORDS ?? 10_000_000)
const EXPIRING = 1_000_000
// As many tokens take turns, so that hardly one of them is still in the processor's nearest caches when it comes again.
const TOKENS = 1 << 16
const CHECKS = 1_000_000
const TRIES = 3
const NOW = Date.now()
const LIFE_MS = 900_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

/** The index of live revocations: time, memory and pauses, beside a Set of strings that holds the same ids. */
export async function lookup() {
  // First what depends on how memory lies, before the rest has stirred it.
  await measureLookups()
  collectGarbage()
  grow()
  expire()
}

async function measureLookups() {
  const many = measureMemory()
  const few = filled(FEW)
  allocate(many)
  const peer = new Set()
  for (let n = 0; n < MANY; n += 1) peer.add(uuidFor(n))
  await compare('live', { few, many, peer, jtiFor: (n) => uuidFor(-1 - n), sharedJtiFor: (n) => uuidFor(-1 - n) })
  await compare('revoked', {
    few,
    many,
    peer,
    jtiFor: (n) => uuidFor(Math.floor((n * MANY) / TOKENS)),
    sharedJtiFor: (n) => uuidFor(n % FEW),
  })
}

/** How long adding a record takes at worst, from nothing to {@link MANY}, and all of the first million together. */
function grow() {
  let worstMs = Number.POSITIVE_INFINITY
  let millionMs = Number.POSITIVE_INFINITY
  for (let tried = 0; tried < TRIES; tried += 1) {
    const set = createRevocationSet()
    let worst = 0
    let total = 0
    let million = 0
    for (let n = 0; n < MANY; n += 1) {
      const record = recordFor(n)
      const start = performance.now()
      set.add(record)
      const took = performance.now() - start
      total += took
      if (took > worst) worst = took
      if (n + 1 === EXPIRING) million = total
    }
    worstMs = Math.min(worstMs, worst)
    millionMs = Math.min(millionMs, million)
  }
  print('lookup', `worst pause for one record while growing to ${inWords(MANY)}, ms`, { value: worstMs, most: 5 })
  print('lookup', `taking in the first ${inWords(EXPIRING)} records, ms`, { value: millionMs, most: 1_000 })
}

/** The longest slice of forgetting: a million at once, and a million out of many. */
function expire() {
  for (const held of [EXPIRING, MANY]) {
    let worstMs = Number.POSITIVE_INFINITY
    let totalMs = 0
    for (let tried = 0; tried < TRIES; tried += 1) {
      const set = createRevocationSet()
      for (let n = 0; n < held; n += 1) set.add(recordFor(n, n % (held / EXPIRING) === 0 ? NOW : NOW + LIFE_MS))
      let worst = 0
      totalMs = 0
      const slices = set.forget(NOW + 2_000)
      for (let done = false; !done; ) {
        const start = performance.now()
        done = slices.next().done === true
        const took = performance.now() - start
        totalMs += took
        if (took > worst) worst = took
      }
      if (set.size !== held - EXPIRING) throw new Error(`${set.size} records are left`)
      worstMs = Math.min(worstMs, worst)
    }
    const which = `worst pause while ${inWords(EXPIRING)} of ${inWords(held)} records expire, ms`
    print('lookup', which, { value: worstMs, most: 5, note: `${Math.round(totalMs)} ms in all` })
  }
}

function measureMemory() {
  collectGarbage()
  const before = process.memoryUsage()
  const set = filled(MANY)
  collectGarbage()
  const after = process.memoryUsage()
  const perRecord = (bytes) => bytes / MANY
  const heap = perRecord(after.heapUsed - before.heapUsed)
  print('lookup', 'bytes for each record outside the heap', {
    value: perRecord(after.arrayBuffers - before.arrayBuffers),
    most: 32,
    note: `the set says ${perRecord(set.bytes).toFixed(2)}; on the heap ${heap.toFixed(2)}`,
  })
  return set
}

/** What a million checks add to the heap. The least of some tries counts: others have the compiler at work. */
function allocate(set) {
  const tokens = tokensOf((n) => (n % 2 === 0 ? uuidFor(n) : uuidFor(-1 - n))).slice(0, 1_000)
  const prepared = tokens.map((ids) => set.prepare(ids))
  for (const [name, check] of [
    ['find', (n) => set.find(tokens[n])],
    ['findPrepared', (n) => set.findPrepared(prepared[n])],
  ]) {
    let least = Number.POSITIVE_INFINITY
    for (let tried = 0; tried < 2 * TRIES; tried += 1) {
      const before = process.memoryUsage().heapUsed
      for (let n = 0; n < CHECKS; n += 1) check(n % tokens.length)
      least = Math.min(least, Math.abs(process.memoryUsage().heapUsed - before))
    }
    // Asking for the memory in use takes some itself.
    print('lookup', `bytes that ${name} allocates`, {
      value: Math.floor(least / CHECKS),
      most: 0,
      note: `${least} in a million`,
    })
  }
}

async function compare(which, { few, many, peer, jtiFor, sharedJtiFor }) {
  const tokens = tokensOf(jtiFor)
  const ofFew = tokensOf(sharedJtiFor)
  const alone = tokens.map(({ jti, iatMs }) => ({ jti, sid: undefined, sub: undefined, iatMs }))
  const prepared = tokens.map((ids) => many.prepare(ids))
  const preparedOfFew = ofFew.map((ids) => few.prepare(ids))
  const preparedAlone = alone.map((ids) => many.prepare(ids))
  const seen = tokens.map((ids) => checkable(ids))
  const check = checkOver(many)
  collectGarbage()
  let at = 0
  const next = () => {
    at = (at + 1) % TOKENS
    return at
  }
  const times = await interleave({
    few: () => few.find(ofFew[next()]),
    many: () => many.find(tokens[next()]),
    'prepared alone': () => many.findPrepared(preparedAlone[next()]),
    'prepared few': () => few.findPrepared(preparedOfFew[next()]),
    'prepared many': () => many.findPrepared(prepared[next()]),
    peer: () => peer.has(tokens[next()].jti),
  })
  const ns = (name) => `${Math.round(times[name])} ns`
  const records = inWords(MANY)
  print('lookup', `a ${which} token's three ids, ${records} / ${inWords(FEW)} records`, {
    value: times.many / times.few,
    most: 2,
    note: `${ns('many')}, ${ns('few')}; prepared ${ns('prepared many')}, ${ns('prepared few')}`,
  })
  // The engine keeps the hash of a string that was looked up before, as we keep those of a token that was checked before.
  print('lookup', `a ${which} token's jti, known hash, ours / a Set of ${records} strings`, {
    value: times['prepared alone'] / times.peer,
    most: 0.5,
    note: `${ns('prepared alone')}, ${ns('peer')}`,
  })
  // By itself, so that the compiler sees the others as they are.
  const again = await interleave({ seen: () => check(seen[next()]), peer: () => peer.has(tokens[next()].jti) })
  print('lookup', `a ${which} token checked before, nothing revoked since, three ids / a Set of ${records} strings`, {
    value: again.seen / again.peer,
    most: 0.5,
    note: `${Math.round(again.seen)} ns, ${Math.round(again.peer)} ns`,
  })
}

/** What a guard asks for each request, over an index that is live. */
function checkOver(set) {
  const replica = {
    state: 'live',
    get version() {
      return set.version
    },
    find: set.find,
    prepare: set.prepare,
    findPrepared: set.findPrepared,
  }
  return createRevocationCheck({ replica }, { mode: 'replica' })
}

function tokensOf(jtiFor) {
  return Array.from({ length: TOKENS }, (_, n) => ({
    jti: jtiFor(n),
    sid: uuidFor(n, 1),
    sub: uuidFor(n, 2),
    iatMs: NOW,
  }))
}

function filled(records) {
  const set = createRevocationSet()
  for (let n = 0; n < records; n += 1) set.add(recordFor(n))
  // Sessions and subjects too, so that all three ids have to be looked up.
  for (let n = 0; n < FEW; n += 1) {
    set.add({ kind: 'session', id: uuidFor(n, 3), at: NOW, expiresAt: NOW + LIFE_MS })
    set.add({ kind: 'subject', id: uuidFor(n, 3), before: NOW, at: NOW, expiresAt: NOW + LIFE_MS })
  }
  return set
}

function recordFor(n, expiresAt = NOW + LIFE_MS) {
  return { kind: 'token', id: uuidFor(n), at: NOW, expiresAt }
}

function inWords(count) {
  return count >= 1e6 ? `${count / 1e6} M` : count.toLocaleString('en')
}

const text = Buffer.alloc(36, '-')
const placeOfByte = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const [high, low] = [0, 1].map((at) => Uint8Array.from(digits, (pair) => pair.charCodeAt(at)))

/** The UUID of a number: always the same, random to look at, and a new string each time. */
function uuidFor(n, salt = 0) {
  for (let word = 0; word < 4; word += 1) {
    const bits = scramble(scramble(n + Math.imul(word + 4 * salt, 0x9e3779b1)) ^ (word === 0 ? 0 : n))
    for (let byte = 0; byte < 4; byte += 1) {
      const place = placeOfByte[4 * word + byte]
      const value = (bits >>> (8 * byte)) & 255
      text[place] = high[value]
      text[place + 1] = low[value]
    }
  }
  return text.latin1Slice(0, 36)
}

function scramble(bits) {
  const once = Math.imul(bits ^ (bits >>> 16), 0x7feb352d)
  const twice = Math.imul(once ^ (once >>> 15), 0x846ca68b)
  return twice ^ (twice >>> 16)
}
