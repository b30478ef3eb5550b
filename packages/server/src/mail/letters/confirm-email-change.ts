import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To the address that an account wants to have. */
export function confirmEmailChange(links: Links, secret: string): Letter {
  return writeLetter(`Confirm your new e-mail address at ${links.site}`, [
    `Somebody, probably you, wants to use this address for an account at ${links.site}.`,
    { link: links.verifyEmail(secret), label: 'Use this address' },
    'The link works once, for ten minutes. All devices are logged out when you follow it.',
    'If this was not you, ignore this mail.',
  ])
}
