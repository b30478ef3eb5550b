import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { ReadHash } from './read-hash.ts'

const pbkdf2Async = promisify(pbkdf2)
// By hand: promisify does not see the form of `scrypt` that takes options.
const scryptAsync = (password: string, salt: string, cost: ScryptCost) =>
  new Promise<Buffer>((resolve, reject) => {
    // Python's limit, which Werkzeug sets to a little more than is used; Node's default would refuse 32 MiB.
    const options = { ...cost, maxmem: 132 * cost.N * cost.r * cost.p }
    scrypt(password, salt, SCRYPT_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })

interface ScryptCost {
  readonly N: number
  readonly r: number
  readonly p: number
}

// method$salt$hex, where the method holds its parameters. Salts are letters and digits.
const FORM =
  /^(pbkdf2:(sha1|sha256|sha512):(\d{1,8})|scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3}))\$([A-Za-z0-9]{1,64})\$([0-9a-f]{40,128})$/
const PBKDF2_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 }
const SCRYPT_BYTES = 64

// Each is three times what Werkzeug 3.1 sets or more, and well below what a login may wait for.
const MAX_ITERATIONS = 3_000_000
const MAX_SCRYPT_MEMORY = 134_217_728
const MAX_SCRYPT_LANES = 4

/** Reads a hash of Werkzeug's `generate_password_hash`, of its versions 1 to 3. */
export function readWerkzeug(hash: string): ReadHash | null {
  const match = FORM.exec(hash)
  if (match === null) return null
  const [, , digest, iterations, n, r, p, salt = '', hex = ''] = match
  const derive =
    digest === undefined
      ? byScrypt({ N: Number(n), r: Number(r), p: Number(p) }, salt, hex)
      : byPbkdf2({ digest, iterations: Number(iterations) }, salt, hex)
  if (derive === null) return null
  return { matches: async (password) => timingSafeEqual(await derive(password), Buffer.from(hex, 'hex')) }
}

type Derivation = (password: string) => Promise<Buffer>

function byPbkdf2(method: { digest: string; iterations: number }, salt: string, hex: string): Derivation | null {
  const { digest, iterations } = method
  const bytes = PBKDF2_BYTES[digest] ?? 0
  if (iterations < 1 || iterations > MAX_ITERATIONS || hex.length !== 2 * bytes) return null
  return (password) => pbkdf2Async(password, salt, iterations, bytes, digest)
}

function byScrypt(cost: ScryptCost, salt: string, hex: string): Derivation | null {
  const { N, r, p } = cost
  const isPower = N >= 2 && Number.isInteger(Math.log2(N))
  if (!isPower || r < 1 || p < 1 || p > MAX_SCRYPT_LANES || hex.length !== 2 * SCRYPT_BYTES) return null
  if (128 * N * r > MAX_SCRYPT_MEMORY) return null
  return (password) => scryptAsync(password, salt, cost)
}
