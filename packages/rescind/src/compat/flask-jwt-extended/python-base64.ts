const ALPHABET = /^[A-Za-z0-9+/_-]$/

/**
 * What Python's `base64.urlsafe_b64decode` makes of a segment that PyJWT has padded: characters outside of the alphabet
 * are passed over, and nothing behind a complete padding is read.
 *
 * @returns the bytes; `null` where Python raises, and PyJWT speaks of invalid padding
 */
export function pythonBase64(segment: string): Buffer | null {
  const bytes = Buffer.byteLength(segment)
  const padded = segment + '='.repeat((4 - (bytes % 4)) % 4)
  let kept = ''
  let pads = 0
  for (const char of padded) {
    const place = kept.length % 4
    if (char === '=') {
      if (place >= 2) pads += 1
      if (place >= 2 && place + pads >= 4) return Buffer.from(kept, 'base64')
    } else if (ALPHABET.test(char)) {
      kept += char
      pads = 0
    }
  }
  return kept.length % 4 === 0 ? Buffer.from(kept, 'base64') : null
}
