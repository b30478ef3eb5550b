import type { AlgorithmFacts } from '../crypto/crypto.ts'

/**
 * The signature algorithms of RFC 7518 §3 and RFC 8037, and what a key must be to serve one.
 * An allow-list: what is not here, `none` above all, does not exist.
 */
export const algorithms = {
  HS256: { kind: 'hmac', hash: 'sha256', minSecretBytes: 32 },
  HS384: { kind: 'hmac', hash: 'sha384', minSecretBytes: 48 },
  HS512: { kind: 'hmac', hash: 'sha512', minSecretBytes: 64 },
  RS256: { kind: 'rsa', hash: 'sha256', pss: false },
  RS384: { kind: 'rsa', hash: 'sha384', pss: false },
  RS512: { kind: 'rsa', hash: 'sha512', pss: false },
  PS256: { kind: 'rsa', hash: 'sha256', pss: true },
  PS384: { kind: 'rsa', hash: 'sha384', pss: true },
  PS512: { kind: 'rsa', hash: 'sha512', pss: true },
  ES256: { kind: 'ec', hash: 'sha256', curve: 'P-256', coordinateBytes: 32 },
  ES384: { kind: 'ec', hash: 'sha384', curve: 'P-384', coordinateBytes: 48 },
  ES512: { kind: 'ec', hash: 'sha512', curve: 'P-521', coordinateBytes: 66 },
  EdDSA: { kind: 'ed25519' },
} as const satisfies Record<string, AlgorithmFacts>

/** The name of a signature algorithm, as the `alg` header spells it. */
export type Algorithm = keyof typeof algorithms

/** True for a name on the allow-list, in its exact spelling. */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === 'string' && Object.hasOwn(algorithms, name)
}
