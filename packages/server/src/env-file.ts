import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { ConfigError, variableNames } from './config.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The environment with `path` (a `.env` file) behind it: what is set already wins. A name the service does not read is
 * refused, since in its own file it can only be a misspelling that would leave a default in force.
 *
 * @throws ConfigError
 */
export function withEnvFile(env: Environment, path: string): Environment {
  if (!existsSync(path)) return env
  const file = parseEnv(readEnvFile(path))
  const unknown = Object.keys(file).find((name) => !variableNames.includes(name))
  if (unknown !== undefined) {
    throw new ConfigError(`${path} sets ${unknown}, which is unknown; it may set ${variableNames.join(', ')}`)
  }
  return { ...file, ...env }
}

function readEnvFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(`${path} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`)
  }
}
