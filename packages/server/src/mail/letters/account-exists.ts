import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To the owner of an account, when its address was given for another one. */
export function accountExists({ site }: Links): Letter {
  return writeLetter(`You have an account at ${site}`, [
    `Somebody, probably you, gave this address at ${site} for an account. You have one there already.`,
    'Log in with your password. If you have forgotten it, ask for a new one at the login.',
    'If this was not you, you need do nothing.',
  ])
}
