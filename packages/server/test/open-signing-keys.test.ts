import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey } from 'rescind'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import { openSigningKeys } from '../src/open-signing-keys.ts'

const KEY_ENCRYPTION_KEY = randomBytes(32).toString('base64url')

let directory: string
let backends: Backends
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-signing-'))
  backends = await openBackends(readConfig({ DATA_DIR: directory }), () => {})
})
afterEach(async () => {
  await backends.close()
  rmSync(directory, { recursive: true, force: true })
})

/** The name of the key that a service would sign with, and what it tells its operator. */
async function start(settings: Record<string, string>): Promise<{ kid: string | undefined; warnings: string[] }> {
  const warnings: string[] = []
  const config = readConfig({ DATA_DIR: directory, ...settings })
  const { keys, close } = await openSigningKeys(config, backends.database, (message) => warnings.push(message))
  await close()
  return { kid: keys.active?.kid, warnings }
}

function leaveKeyFile(text: string, mode = 0o600): string {
  const path = join(directory, 'signing-key.json')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const jwk = (alg: 'EdDSA' | 'ES256') => JSON.stringify(generateKey(alg).privateJwk())

describe('with the keys in the database', () => {
  it.each([
    ['for another algorithm', jwk('ES256'), 0o600],
    ['that others may read', jwk('EdDSA'), 0o644],
    ['that holds no key', 'what is this?', 0o600],
  ])('a key file that is left over %s does not stop the start', async (_name, text, mode) => {
    const { kid } = await start({ KEY_ENCRYPTION_KEY })
    const path = leaveKeyFile(text, mode)
    const again = await start({ KEY_ENCRYPTION_KEY })
    expect(again).toEqual({ kid, warnings: [expect.stringContaining(path)] })
  })

  it.each(['SIGNING_KEY', 'SIGNING_KEY_FILE'])('a %s beside them is refused', async (name) => {
    await start({ KEY_ENCRYPTION_KEY })
    const given = name === 'SIGNING_KEY' ? jwk('EdDSA') : leaveKeyFile(jwk('EdDSA'))
    const refused = start({ [name]: given })
    await expect(refused).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(
        `^${name} is set, but the signing keys are in the database; unset it, and set KEY_`,
      ),
    })
  })
})

it('a key file that is to be the first key has to be a good one', async () => {
  leaveKeyFile(jwk('ES256'))
  await expect(start({ KEY_ENCRYPTION_KEY })).rejects.toThrow('SIGNING_ALG is EdDSA, but the key in')
  leaveKeyFile(jwk('EdDSA'), 0o644)
  await expect(start({ KEY_ENCRYPTION_KEY })).rejects.toThrow('may be read by other users')
})
