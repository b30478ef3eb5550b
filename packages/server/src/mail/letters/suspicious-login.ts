import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To the owner of an account that was entered while passwords were guessed for it. */
export function suspiciousLogin({ site }: Links): Letter {
  return writeLetter(`A login to your account at ${site}`, [
    `Somebody logged in to your account at ${site} just now, after wrong passwords had been tried for it many times.`,
    'If this was you, you need do nothing: whoever guesses is kept waiting.',
    'If this was not you, ask for a new password at the login at once: that logs out all devices.',
  ])
}
