import { timingSafeEqual } from 'node:crypto'

const users = new Map([
  ['admin', { id: 1, username: 'admin', isAdministrator: true }],
  ['user', { id: 2, username: 'user', isAdministrator: false }],
])
const PASSWORD = Buffer.from('123456')

/** The user with this name, `null` for none. */
export const userNamed = (username) => users.get(username) ?? null

/** The user whose name and password a body holds, `null` for nobody. */
export function findUser(body) {
  const { username, password } = body ?? {}
  if (typeof username !== 'string' || typeof password !== 'string') return null
  const given = Buffer.from(password)
  const isRight = given.length === PASSWORD.length && timingSafeEqual(given, PASSWORD)
  return isRight ? userNamed(username) : null
}
