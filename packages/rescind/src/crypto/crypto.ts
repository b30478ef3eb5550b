import type { JsonWebKey, KeyObject } from 'node:crypto'
import { type RescindError, unsafeKey } from '../base/errors.ts'

/** How an algorithm signs, and what it asks of its key. Names are those of JOSE. */
export type AlgorithmFacts =
  | { readonly kind: 'hmac'; readonly hash: string; readonly minSecretBytes: number }
  | { readonly kind: 'rsa'; readonly hash: string; readonly pss: boolean }
  | { readonly kind: 'ec'; readonly hash: string; readonly curve: string; readonly coordinateBytes: number }
  | { readonly kind: 'ed25519' }

/** The facts of an algorithm with a private and a public half. */
export type AsymmetricFacts = Exclude<AlgorithmFacts, { kind: 'hmac' }>

/** What a key is made from. A `KeyObject` is known on Node alone, and PEM is read at once there alone. */
export type KeyMaterial = string | Uint8Array | JsonWebKey | KeyObject

/** What an asymmetric key is made from, with PEM as text. */
export type ReadableMaterial = Exclude<KeyMaterial, Uint8Array>

/**
 * Signs and verifies. On Node at once; with WebCrypto by promises, which reject with `unsafe_key` for a key whose halves
 * do not match, and with `invalid_config` where the runtime lacks the algorithm: a key is proved before its first use.
 */
export interface Signer {
  /** The signature in base64url, as a token holds it. */
  sign(input: string): string | Promise<string>
  /** False also for a signature that is not base64url in its canonical spelling. */
  verify(input: string, signature: string): boolean | Promise<boolean>
  /** Settles once the key has been proved. */
  proved(): void | Promise<void>
}

/** A secret in the hands of the runtime. */
export interface OpenedSecret extends Signer {
  bytes(): Uint8Array
}

/** An asymmetric key in the hands of the runtime. */
export interface OpenedKey extends Signer {
  /** True for a private key; `sign` is not to be called otherwise. */
  readonly canSign: boolean
  /** Its public members and no others. */
  readonly publicJwk: JsonWebKey
  /** All its members; not to be called for a public key. */
  privateJwk(): JsonWebKey
}

/** Refuses a key by its public members, before it is used for the first time. */
export type CheckPublic = (publicJwk: JsonWebKey) => void

/** How a key is opened. */
export interface KeyOrder {
  readonly facts: AsymmetricFacts
  readonly check: CheckPublic
}

/**
 * What differs by runtime. `#crypto` leads to `node.ts` on Node, Bun and Deno, and to `web.ts` elsewhere (the condition
 * `node` of package.json's `imports`); both export exactly this.
 */
export interface RuntimeCrypto {
  /** Fills the bytes from a cryptographically secure generator. */
  fillRandom(bytes: Uint8Array): void
  /** The hash of the parts, one after the other; text as UTF-8. */
  sha256(...parts: readonly (string | Uint8Array)[]): Uint8Array
  /** Base64url without padding (RFC 4648 §5); text as UTF-8. */
  encodeBase64Url(data: string | Uint8Array): string
  /** The bytes of a base64url text, or `null` where it is not the one canonical spelling of any. */
  decodeBase64Url(text: string): Uint8Array | null
  /** Compares in a time that depends on the lengths alone. */
  sameBytes(a: Uint8Array, b: Uint8Array): boolean
  /** The bytes of a `KeyObject` that holds a secret; `null` for other material. */
  secretOf(material: ReadableMaterial): Uint8Array | null
  openSecret(secret: Uint8Array, hash: string): OpenedSecret
  /**
   * Opens a private or public key. Throws or rejects with `unsafe_key` for what cannot be read as one.
   *
   * @returns a promise for material that this runtime cannot read at once
   */
  openKey(material: ReadableMaterial, order: KeyOrder): OpenedKey | Promise<OpenedKey>
  /** Makes a private key: Ed25519, the algorithm's own curve, or RSA of 3072 bits. */
  generateMaterial(facts: AsymmetricFacts): KeyMaterial | Promise<KeyMaterial>
}

/** What a private key signs to prove that its halves belong together. */
export const PROBE = 'rescind'

/** The refusal of a key whose halves do not belong together. */
export function mismatch(): RescindError {
  return unsafeKey("the key's private and public parts do not match")
}
