import { mkdirSync } from 'node:fs'
import { ConfigError } from './config.ts'

/**
 * Makes the directory of the service's files, for this user alone, where it is not there.
 *
 * @throws ConfigError
 */
export function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error'
    throw new ConfigError(
      `DATA_DIR holds ${JSON.stringify(path)}, which cannot be made (${reason}); it may hold the path of a directory`,
    )
  }
}
