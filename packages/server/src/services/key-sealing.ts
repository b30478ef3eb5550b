import { createCipheriv, createDecipheriv, type JsonWebKey } from 'node:crypto'
import { createKey, isAlgorithm, type Key, type RandomSource, systemRandom } from 'rescind'

/** Encrypts signing keys, and opens them again. */
export interface KeySealing {
  /** AES-256-GCM under a nonce of its own, bound to the key's name and algorithm. */
  seal(kid: string, key: Key): string
  /** `null` for what was not sealed with this secret, under this name and for this algorithm. */
  open(sealed: { readonly kid: string; readonly alg: string; readonly sealed: string }): Key | null
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals with a secret of 32 bytes. */
export function createKeySealing(secret: Uint8Array, random: RandomSource = systemRandom): KeySealing {
  return {
    seal(kid, key) {
      const nonce = new Uint8Array(NONCE_BYTES)
      random(nonce)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(boundTo(kid, key.alg))
      const text = JSON.stringify(key.privateJwk())
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat(parts).toString('base64url')
    },
    open({ kid, alg, sealed }) {
      if (!isAlgorithm(alg)) return null
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const options = { authTagLength: TAG_BYTES }
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce, options).setAAD(boundTo(kid, alg))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
        return createKey(JSON.parse(text.toString()) as JsonWebKey, { alg, kid })
      } catch {
        return null
      }
    },
  }
}

function boundTo(kid: string, alg: string): Buffer {
  return Buffer.from(`rescind signing key\0${kid}\0${alg}`)
}
