import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The secret of the environment, or one that is made at the first start and kept beside the app. */
export function signingSecret() {
  if (process.env.JWT_SECRET_KEY) return process.env.JWT_SECRET_KEY
  const folder = join(import.meta.dirname, 'data')
  const path = join(folder, 'jwt-secret')
  mkdirSync(folder, { recursive: true })
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  return readFileSync(path, 'utf8')
}
