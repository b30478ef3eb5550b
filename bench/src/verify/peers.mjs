import { createHmac, createPublicKey, createSecretKey, timingSafeEqual, verify } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { importJWK, jwtVerify } from 'jose'

const digests = { EdDSA: null, ES256: 'sha256', RS256: 'sha256' }

/** What we are compared with: functions of a token that throw unless its signature is right. None asks for revocation. */
export async function createPeers(alg, key) {
  const jwk = key.publicJwk() ?? key.privateJwk()
  const secret = alg === 'HS256' ? Buffer.from(jwk.k, 'base64url') : undefined
  const fastKey = secret ?? createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
  const joseKey = await importJWK(jwk, alg)
  return {
    fastJwt: createVerifier({ key: fastKey, algorithms: [alg] }),
    fastJwtCached: createVerifier({ key: fastKey, algorithms: [alg], cache: 10_000 }),
    jose: (token) => jwtVerify(token, joseKey, { algorithms: [alg] }),
    bare: secret === undefined ? bareSignature(alg, jwk) : bareHmac(secret),
  }
}

/** The least that a new token costs: its signature and the parsing of its payload, and nothing else. */
function bareSignature(alg, jwk) {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const options = alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key
  return (token) => {
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    if (!verify(digests[alg], Buffer.from(token.slice(0, end)), options, signature)) throw new Error('wrong signature')
    return payloadOf(token, end)
  }
}

function bareHmac(secret) {
  const key = createSecretKey(secret)
  return (token) => {
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    const expected = createHmac('sha256', key).update(token.slice(0, end)).digest()
    if (!timingSafeEqual(expected, signature)) throw new Error('wrong signature')
    return payloadOf(token, end)
  }
}

function payloadOf(token, end) {
  return JSON.parse(Buffer.from(token.slice(token.indexOf('.') + 1, end), 'base64url').toString())
}
