import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/**
 * To an address that was registered again before it was confirmed. Which of the passwords is the owner's, nobody can know:
 * the one they set now is.
 */
export function choosePassword(links: Links, secret: string): Letter {
  return writeLetter(`Complete your registration at ${links.site}`, [
    `Somebody, probably you, registered at ${links.site} with this address, more than once. Set your password to complete it.`,
    { link: links.resetPassword(secret), label: 'Set your password' },
    'The link works once, for ten minutes. Mails about this that you got before no longer count.',
    'If you did not register, ignore this mail.',
  ])
}
