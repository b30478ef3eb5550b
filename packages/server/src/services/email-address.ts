/** An e-mail address in its two forms: for mailing and showing, and for comparing. */
export interface EmailAddress {
  readonly address: string
  readonly key: string
}

// RFC 5321 §4.5.3.1: what a mail system must be able to carry.
const MAX_LENGTH = 254

// No part can match what its neighbour starts with, so a refusal takes one pass. A last label of digits is no host.
const FORM =
  /^[^\s\p{C}@"(),:;<>[\\\]]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?\.)+[\p{L}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?$/u

/**
 * Reads an e-mail address, or answers `null` where it has not the form of one. Compatibility characters are folded
 * (NFKC) so that no look-alike spelling makes a second account; nothing is trimmed.
 */
export function parseEmailAddress(text: string): EmailAddress | null {
  if (text.length > MAX_LENGTH) return null
  const address = text.normalize('NFKC')
  if (address.length > MAX_LENGTH || !FORM.test(address)) return null
  return { address, key: emailKeyOf(address) }
}

/** What all spellings of an address share, or of a part of one. */
export function emailKeyOf(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
