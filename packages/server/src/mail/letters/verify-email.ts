import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To an address that an account was registered with. */
export function verifyEmail(links: Links, secret: string): Letter {
  return writeLetter(`Confirm your e-mail address at ${links.site}`, [
    `Somebody, probably you, registered at ${links.site} with this address.`,
    { link: links.verifyEmail(secret), label: 'Confirm the address' },
    'The link works once, for ten minutes.',
    'If you did not register, do not follow it: somebody else knows the password of that account.',
  ])
}
