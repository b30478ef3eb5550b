import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createKey, createKeyRing, generateKey } from 'rescind'

/** The pair of RS256 keys in the file, as a private JWK; made at the first start. */
export function openKeys(path) {
  if (!existsSync(path)) {
    const jwk = generateKey('RS256').privateJwk()
    writeFileSync(path, JSON.stringify(jwk), { mode: 0o600, flag: 'wx' })
  }
  return createKeyRing({ active: createKey(JSON.parse(readFileSync(path, 'utf8')), { alg: 'RS256' }) })
}
