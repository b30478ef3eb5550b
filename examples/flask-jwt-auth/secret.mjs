import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The secret of the environment, or one that is made at the first start and kept in a folder. */
export function signingSecret(folder) {
  if (process.env.SECRET_KEY) return process.env.SECRET_KEY
  const path = join(folder, 'secret')
  mkdirSync(folder, { recursive: true })
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  return readFileSync(path, 'utf8')
}
