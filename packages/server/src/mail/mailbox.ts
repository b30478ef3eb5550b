import { parseEmailAddress } from '../services/email-address.ts'

// What a header takes without quotes (RFC 5322 §3.2.3), and letters of any language; nothing that could end a line.
const WITH_NAME = /^([\p{L}\p{N}\p{M} !#$%&'*+/=?^_`{|}~.-]{1,64}) <([^<>]+)>$/u

/** True for a sender: an address, or a name and an address as in `Example <no-reply@example.com>`. */
export function isMailbox(text: string): boolean {
  const address = WITH_NAME.exec(text)?.[2] ?? text
  return parseEmailAddress(address) !== null
}

/** Who sends mails where nobody was named. */
export function defaultMailbox(publicUrl: string): string {
  const address = `no-reply@${new URL(publicUrl).hostname}`
  return isMailbox(address) ? address : 'no-reply@localhost'
}
