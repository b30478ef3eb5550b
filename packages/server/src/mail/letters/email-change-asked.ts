import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To the address that an account has, before it gets another. */
export function emailChangeAsked({ site }: Links, newAddress: string): Letter {
  return writeLetter(`A change of your e-mail address at ${site} was asked for`, [
    `Your account at ${site} is to get the address ${newAddress}. It changes when the link sent there is followed.`,
    'If this was not you, set another password now: the link dies with it, and every device is logged out.',
  ])
}
