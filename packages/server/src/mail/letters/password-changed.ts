import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To the owner of an account whose password was changed. */
export function passwordChanged({ site }: Links): Letter {
  return writeLetter(`Your password at ${site} was changed`, [
    `The password of your account at ${site} was changed just now, and all other devices were logged out.`,
    'If this was not you, ask for a new password at the login at once.',
  ])
}
