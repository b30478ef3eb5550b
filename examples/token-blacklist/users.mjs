import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hash, verify } from '@node-rs/argon2'

/** Names and password hashes, kept in a file: two users with the password `123456` where there is none yet. */
export async function openUsers(path) {
  const initial = async () => [
    ['admin', await hash('123456')],
    ['user', await hash('123456')],
  ]
  const users = new Map(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : await initial())
  // Compared with for an unknown name, so that the time of the answer does not tell which names there are.
  const nobody = await hash(randomBytes(32))
  return {
    async matches(name, password) {
      const known = users.get(name)
      const isRight = await verify(known ?? nobody, password)
      // It may have been changed meanwhile.
      return isRight && users.get(name) === known
    },
    async setPassword(name, password) {
      const passwordHash = await hash(password)
      const changed = [...new Map(users).set(name, passwordHash)]
      writeFileSync(`${path}.new`, JSON.stringify(changed), { mode: 0o600, flush: true })
      renameSync(`${path}.new`, path)
      users.set(name, passwordHash)
    },
  }
}
