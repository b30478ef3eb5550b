import { randomUUID } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { interleave } from '../interleave.mjs'

const LIFE_SECONDS = 900

/** One token with the same claims, each made anew: the times and a random id. */
export async function measureMinting({ quick, report }) {
  const key = generateKey('HS256')
  const auth = createRescind({ store: memoryStore(), keys: createKeyRing({ active: key }) })
  await auth.ready()
  const secret = Buffer.from(key.privateJwk().k, 'base64url')
  const sign = createSigner({ key: secret, algorithm: 'HS256', noTimestamp: true })
  const claims = () => {
    const now = Math.floor(Date.now() / 1_000)
    const exp = now + LIFE_SECONDS
    return { sub: 'user-1', exp, nbf: now, iat: now, jti: randomUUID(), type: 'access', fresh: false }
  }
  const same = claims()
  const { times, ratio } = await interleave(
    {
      'rescind mint': () => auth.mint({ sub: 'user-1' }),
      'fast-jwt sign': () => sign(claims()),
      'fast-jwt sign, the same claims each time': () => sign(same),
    },
    { quick },
  )
  await auth.close()
  report.measured('HS256, minting a token', 'ns', times)
  report.figure('HS256', 'minting / fast-jwt sign', { value: ratio('rescind mint', 'fast-jwt sign'), most: 0.9 })
}
