import { type Letter, writeLetter } from '../letter.ts'
import type { Links } from '../links.ts'

/** To the address that an account no longer has. */
export function emailChanged({ site }: Links, newAddress: string): Letter {
  return writeLetter(`Your e-mail address at ${site} was changed`, [
    `Your account at ${site} has the address ${newAddress} now. All devices were logged out.`,
    'If this was not you, write to whoever runs the site at once.',
  ])
}
