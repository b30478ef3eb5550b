import { randomUUID } from 'node:crypto'
import { systemClock } from 'rescind'
import { ConfigError } from '../config.ts'
import type { Users } from '../repositories/users.ts'
import type { Credentials } from './accounts.ts'
import { passwordWeakness } from './password-strength.ts'
import type { Passwords } from './passwords.ts'

/**
 * Makes the first account, an operator's, at the first start: later, when there are accounts, it does nothing.
 *
 * @throws ConfigError for a weak password
 */
export async function createFirstAdmin(
  { email, password }: Credentials,
  { users, passwords }: { users: Users; passwords: Passwords },
): Promise<void> {
  if (!(await users.isEmpty())) return
  const weakness = await passwordWeakness(password, email)
  if (weakness !== null) {
    throw new ConfigError(`ADMIN_PASSWORD holds a password that is too weak (not shown); ${weakness}`)
  }
  // Of services that start together, one makes it.
  await users.insert({
    id: randomUUID(),
    email: email.address,
    emailKey: email.key,
    emailVerified: true,
    passwordHash: await passwords.hash(password),
    admin: true,
    registeredAtMs: systemClock.now(),
    disabledAtMs: null,
    credentialVersion: 0,
  })
}
