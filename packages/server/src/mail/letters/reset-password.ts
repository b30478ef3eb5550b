import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To somebody who forgot the password. */
export function resetPassword(links: Links, secret: string): Letter {
  return writeLetter(`Set a new password at ${links.site}`, [
    `Somebody, probably you, asked for a new password for your account at ${links.site}.`,
    { link: links.resetPassword(secret), label: 'Set a new password' },
    'The link works once, for ten minutes. Whoever has it can enter your account: pass it on to nobody.',
    'If you did not ask for this, ignore this mail: your password stays as it is.',
  ])
}
