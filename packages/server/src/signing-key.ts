import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createKey, generateKey, type Key } from 'rescind'
import { type Config, ConfigError, type SigningAlg } from './config.ts'

type KeySettings = Pick<Config, 'dataDir' | 'signingAlg' | 'signingKey' | 'signingKeyFile'>

/**
 * The key that signs: the one given, else the one made at the first start and kept in `DATA_DIR/signing-key.json`.
 *
 * @throws ConfigError
 */
export function loadSigningKey(settings: KeySettings): Key {
  if (settings.signingKey !== undefined) return parseKey(settings.signingKey, settings.signingAlg, 'SIGNING_KEY')
  if (settings.signingKeyFile !== undefined) return readKeyFile(settings.signingKeyFile, settings.signingAlg)
  const path = storedKeyPath(settings)
  if (!exists(path)) writeKeyFile(path, generateKey(settings.signingAlg))
  return readKeyFile(path, settings.signingAlg)
}

/** Where the key is that is made at the first start. */
export function storedKeyPath({ dataDir }: Pick<KeySettings, 'dataDir'>): string {
  return join(dataDir, 'signing-key.json')
}

/** The key that was made at a first start; `null` where there was none. Throws {@link ConfigError}. */
export function readStoredKey(settings: Pick<KeySettings, 'dataDir' | 'signingAlg'>): Key | null {
  return hasStoredKey(settings) ? readKeyFile(storedKeyPath(settings), settings.signingAlg) : null
}

/** Whether there is a key that was made at a first start. */
export function hasStoredKey(settings: Pick<KeySettings, 'dataDir'>): boolean {
  return exists(storedKeyPath(settings))
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function readKeyFile(path: string, alg: SigningAlg): Key {
  const mode = statKeyFile(path)
  // Whoever reads this file can sign a token for anybody.
  if ((mode & 0o077) !== 0) {
    throw new ConfigError(
      `${path} may be read by other users of this machine (mode ${octal(mode)}); run: chmod 600 ${path}`,
    )
  }
  return parseKey(readText(path), alg, path)
}

function statKeyFile(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isFile())
    throw new ConfigError(`SIGNING_KEY_FILE holds ${JSON.stringify(path)}; it may hold the path of a file`)
  return stat.mode & 0o777
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${path} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`)
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

function parseKey(text: string, alg: SigningAlg, origin: string): Key {
  const material = text.trimStart().startsWith('{') ? parseJwk(text, origin) : text
  if (typeof material !== 'string' && material.alg !== undefined && material.alg !== alg) {
    throw new ConfigError(
      `SIGNING_ALG is ${alg}, but the key in ${origin} is for ${String(material.alg)}; make them agree`,
    )
  }
  const key = createParsedKey(material, alg, origin)
  if (!key.canSign) throw new ConfigError(`the key in ${origin} is a public key; it may hold a private one`)
  return key
}

function createParsedKey(material: string | Record<string, unknown>, alg: SigningAlg, origin: string): Key {
  try {
    return createKey(material, { alg })
  } catch (error) {
    // The library's messages name what is wrong and never quote the key.
    throw new ConfigError(
      `the key in ${origin} cannot be used: ${error instanceof Error ? error.message : 'unknown error'}`,
    )
  }
}

function parseJwk(text: string, origin: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new ConfigError(`the key in ${origin} starts like a JWK but is not JSON`)
  }
}

/**
 * A crash leaves either no key file or a whole one. It is linked into place, which fails where `rename` would replace:
 * of two services that start at once on an empty directory, both go on to read the key of the first.
 */
function writeKeyFile(path: string, key: Key): void {
  const temporary = `${path}.${process.pid}.tmp`
  rmSync(temporary, { force: true })
  const file = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(file, `${JSON.stringify(key.privateJwk(), null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(temporary, path)
  } catch (error) {
    if (!exists(path)) throw error
  } finally {
    rmSync(temporary, { force: true })
  }
  syncDirectory(dirname(path))
}

// Without this the new name may be gone after a power cut, and with it every token it signed.
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
