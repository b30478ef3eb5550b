import { checkable, createRevocationCheck } from '../../../packages/rescind/dist/revocation/check.js'
import { interleave } from '../interleave.mjs'
import { inTurn } from '../requests.mjs'
import { FEW, filled, inWords, tokensOf, uuidFor } from './records.mjs'

// As many tokens take turns, so that hardly one of them is still in the processor's nearest caches when it comes again.
const TOKENS = 1 << 16
const TOKENS_QUICK = 1 << 13

/** Looking up tokens that live, and tokens that are revoked, beside a Set of strings that holds the same ids. */
export async function measureTimes(set, { many, quick }, report) {
  const tokenCount = quick ? TOKENS_QUICK : TOKENS
  const sets = { few: filled(FEW), many: set, peer: new Set() }
  for (let n = 0; n < many; n += 1) sets.peer.add(uuidFor(n))
  const live = (n) => uuidFor(-1 - n)
  await compare('live', { ...sets, jtiFor: live, jtiOfFewFor: live })
  if (quick) return
  const revoked = { jtiFor: (n) => uuidFor(Math.floor((n * many) / tokenCount)), jtiOfFewFor: (n) => uuidFor(n % FEW) }
  await compare('revoked', { ...sets, ...revoked })

  async function compare(which, { few, many: set, peer, jtiFor, jtiOfFewFor }) {
    const tokens = tokensOf(tokenCount, jtiFor)
    const ofFew = tokensOf(tokenCount, jtiOfFewFor)
    const alone = tokens.map(({ jti, iatMs }) => ({ jti, sid: undefined, sub: undefined, iatMs }))
    const prepared = tokens.map((ids) => set.prepare(ids))
    const preparedOfFew = ofFew.map((ids) => few.prepare(ids))
    const preparedAlone = alone.map((ids) => set.prepare(ids))
    const seen = tokens.map((ids) => checkable(ids))
    const check = checkOver(set)
    globalThis.gc()
    const over = (list, work) => {
      // What is worked out at the first sight of a token is not measured.
      for (const value of list) work(value)
      const next = inTurn(list)
      return () => work(next())
    }
    const records = inWords(many)
    const ofRecords = `rescind, three ids in ${records} records`
    const ofFewRecords = `rescind, three ids in ${inWords(FEW)} records`
    const ofPeer = `a Set of ${records} strings, one id`
    const { times, ratio } = await interleave(
      {
        [ofRecords]: over(tokens, (ids) => set.find(ids)),
        [ofFewRecords]: over(ofFew, (ids) => few.find(ids)),
        [`${ofRecords}, known hashes`]: over(prepared, (ids) => set.findPrepared(ids)),
        [`${ofFewRecords}, known hashes`]: over(preparedOfFew, (ids) => few.findPrepared(ids)),
        'rescind, one id, known hash': over(preparedAlone, (ids) => set.findPrepared(ids)),
        [ofPeer]: over(tokens, ({ jti }) => peer.has(jti)),
      },
      { quick },
    )
    // By itself, so that the compiler sees the others as they are.
    const again = await interleave(
      { 'checked before': over(seen, check), [ofPeer]: over(tokens, ({ jti }) => peer.has(jti)) },
      { quick },
    )
    const subject = `a ${which} token`
    report.measured(`looking up ${subject}`, 'ns', {
      ...times,
      'rescind, checked before, nothing revoked since': again.times['checked before'],
    })
    report.figure(subject, `three ids, ${records} / ${inWords(FEW)} records`, {
      value: ratio(ofRecords, ofFewRecords),
      most: 2,
    })
    // The engine keeps the hash of a string that was looked up before, as we keep those of a token that was checked.
    report.figure(subject, `one id, known hash, ours / a Set of ${records} strings`, {
      value: ratio('rescind, one id, known hash', ofPeer),
      most: 0.5,
    })
    report.figure(subject, `checked before, nothing revoked since, three ids / a Set of ${records} strings`, {
      value: again.ratio('checked before', ofPeer),
      most: 0.5,
    })
  }
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
