import { decodeBase64Url } from '#crypto'
import { unsafeKey } from '../base/errors.ts'
import { type Algorithm, algorithms } from './algorithms.ts'

/** Fewer distinct bytes than this is a placeholder ("aaaa…"), not a secret. */
const MIN_DISTINCT_SECRET_BYTES = 8

/**
 * Refuses an HMAC secret that is too short, is a placeholder, or is the text of some other key: verifying HMAC with a
 * public key as the secret is the classic confusion (RFC 8725 §2.1).
 */
export function checkSecret(secret: Uint8Array, alg: Algorithm, allowWeakSecret: boolean): void {
  const facts = algorithms[alg]
  if (facts.kind !== 'hmac') throw unsafeKey(`a secret cannot serve ${alg}; give a private or public key`)
  if (secret.length === 0) throw unsafeKey('the secret is empty; make one with 32 random bytes')
  if (looksLikeKeyMaterial(secret)) {
    throw unsafeKey(`the secret for ${alg} is the text of another key (PEM, JWK, SSH or DER); make a random secret`)
  }
  if (allowWeakSecret) return
  if (secret.length < facts.minSecretBytes) {
    throw unsafeKey(
      `the secret for ${alg} has ${secret.length} bytes and needs at least ${facts.minSecretBytes} (RFC 7518 §3.2); ` +
        'allowWeakSecret: true takes it all the same, for migrations',
    )
  }
  if (new Set(secret).size < MIN_DISTINCT_SECRET_BYTES) {
    throw unsafeKey('the secret repeats a few characters; make one with random bytes')
  }
}

// PEM and SSH2 armour; SSH public keys, also as their base64 alone; JWK and JWKS, also quoted once more; PuTTY files.
const KEY_TEXT =
  /-{4,}\s*BEGIN|^ssh-|^ecdsa-sha2-|^sk-(ssh|ecdsa)-|AAAA[A-Z](3NzaC1|2VjZHNhLXNo|nNr)|\bkty\b[\\"']*\s*:|"keys"|^PuTTY-User-Key-File/

/** How many layers of base64 or hexadecimal are taken off to look for a key. */
const MAX_WRAPPINGS = 2

const decoder = new TextDecoder()

function looksLikeKeyMaterial(secret: Uint8Array, wrappings = MAX_WRAPPINGS): boolean {
  const text = plainText(secret)
  if (KEY_TEXT.test(text) || isJsonText(text)) return true
  const der = secret.indexOf(SEQUENCE)
  if (der !== -1 && plainText(secret.subarray(0, der)) === '' && isDerKey(secret.subarray(der))) return true
  if (wrappings === 0) return false
  const squeezed = text.replace(/\s+/g, '')
  if (/^([0-9a-f]{2})+$/i.test(squeezed) && looksLikeKeyMaterial(fromHex(squeezed), wrappings - 1)) return true
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(squeezed)) return false
  const unwrapped = decodeBase64Url(squeezed.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))
  return unwrapped !== null && looksLikeKeyMaterial(unwrapped, wrappings - 1)
}

// A byte order mark, NUL bytes (of UTF-16 too) or white space around a key do not make it a secret.
function plainText(bytes: Uint8Array): string {
  return decoder.decode(bytes).replaceAll('\0', '').replaceAll('\ufeff', '').trim()
}

// Parsed, not guessed by its brackets: of 65,536 random secrets one begins and ends with them.
function isJsonText(text: string): boolean {
  if (!text.startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

const SEQUENCE = 0x30
const INTEGER = 0x02
/** No key is shorter in DER: a private key on P-256 without its curve and public half (RFC 5915). */
const MIN_DER_KEY_BYTES = 39

/**
 * True for a SEQUENCE that begins with an INTEGER or another SEQUENCE and is filled by its members, as every key and
 * certificate is (RFC 5280, 5915, 5958, 8017). Chance makes such bytes once in 50 million secrets.
 */
function isDerKey(bytes: Uint8Array): boolean {
  const outer = derElement(bytes, 0)
  if (outer === null || outer.end < MIN_DER_KEY_BYTES) return false
  const first = bytes[outer.start]
  if (first !== INTEGER && first !== SEQUENCE) return false
  let at = outer.start
  while (at < outer.end) {
    const member = derElement(bytes, at)
    if (member === null || member.end > outer.end) return false
    at = member.end
  }
  return true
}

/** Where the content of the element at `at` begins and ends (X.690 §8.1.3); `null` where it goes beyond the bytes. */
function derElement(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | null {
  const form = bytes[at + 1] ?? 0x80
  const lengthBytes = form < 0x80 ? 0 : form - 0x80
  if (form === 0x80 || lengthBytes > 4) return null
  const start = at + 2 + lengthBytes
  const length = lengthBytes === 0 ? form : bytes.subarray(at + 2, start).reduce((value, byte) => value * 256 + byte, 0)
  return start + length <= bytes.length ? { start, end: start + length } : null
}
