import { spawnSync } from 'node:child_process'
import { hashSync as argon2 } from '@node-rs/argon2'
import { hashSync as bcrypt } from '@node-rs/bcrypt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readHash } from '../src/services/password-hashes.ts'
import { backendsUnderTest } from './support/backends.ts'
import { type Operator, openOperator } from './support/operator.ts'
import { expectProblem } from './support/problems.ts'
import { newEmail, type RunningApp, startApp } from './support/start-app.ts'

const PASSWORD = 'violet-tractor-9-Umbrella é'
const BCRYPT = 'abcdefghijklmnopqrstuu.FWdGVf6kSM8Z.zvF000wUxW5oMVK.W'

/** Hashes of `PASSWORD` that other programs made: Werkzeug 2.2.2 and 3.1.8, and libxcrypt's bcrypt. */
const foreign: readonly (readonly [string, string])[] = [
  ['bcrypt $2a$', `$2a$06$${BCRYPT}`],
  ['bcrypt $2b$', `$2b$06$${BCRYPT}`],
  ['bcrypt $2y$', `$2y$06$${BCRYPT}`],
  [
    'Werkzeug 2, pbkdf2:sha256',
    'pbkdf2:sha256:260000$n6WwARl4PRZcsMBH$958b65ee5edcdccefb342c32058b383e1132c384e894848afcb66fc879523d67',
  ],
  ['Werkzeug 2, pbkdf2:sha1', 'pbkdf2:sha1:150000$f3aEsdF5FjBKiWiE$e82dd6fa5483eae87aefff4306d66c60e2267842'],
  [
    'Werkzeug 3, pbkdf2',
    'pbkdf2:sha256:1000000$XY0l546HTdXgGQLW$f39a80efbbc2d1f8786476e73b54c400b19a737622934a4af15a0c680cfa84d9',
  ],
  [
    'Werkzeug 3, pbkdf2:sha512',
    'pbkdf2:sha512:210000$SmMctbt8m0EPbtAR$019ffb5668211b19e22f8f20f9e9cb52b3e23ec619d8f78f6289166950e7b4cbe8d6d0acab656967b5766a590d26e4cc6b52aa08942a8876844ffc3a17fa9fcc',
  ],
  [
    'Werkzeug 3, scrypt',
    'scrypt:32768:8:1$5i8FeWqn44yb4N0E$2598c75276b1c0cc5dd6f537fbbaa13fc354e15ed3d0623e87e997228f0b064a2790e5c4d5b00ca72cfac936dc3a8a52407252f45240f2ca6a4e2fb64d84797e',
  ],
  [
    'Werkzeug 3, scrypt of 64 MiB',
    'scrypt:65536:8:1$DsaGqpT5KAl8VO8w$6d65626d16b42a8e581e375de2286f7e3730e3878bdc4b3b5c40f1990067c01f27c57b1cd817f7f8226367541f13f36564ff8f4c59c1457b57347a3c551cb39a',
  ],
  ['Argon2id of another cost', argon2(PASSWORD, { memoryCost: 8_192, timeCost: 3, parallelism: 2 })],
  ['Argon2i', argon2(PASSWORD, { algorithm: 1, memoryCost: 4_096, timeCost: 3, parallelism: 1 })],
]

describe.each(backendsUnderTest)('a password hash of another system, over $name', ({ prepare }) => {
  const settings = prepare()
  let operator: Operator
  let app: RunningApp
  beforeAll(async () => {
    operator = await openOperator(await settings())
    app = await startApp({ settings: operator.settings })
  })
  afterAll(async () => {
    await app.close()
    await operator.close()
  })
  const login = (email: string, password: string) => app.post('/auth/login', { email, password })
  const imported = async (passwordHash: string) => {
    const email = newEmail()
    expect(await operator.administration.import({ email, passwordHash })).toBe('imported')
    return email
  }
  const hashOf = async (email: string) => (await operator.users.byEmailKey(email))?.passwordHash ?? ''

  it.each(foreign)('lets its owner in, and is replaced by one of ours: %s', async (_, hash) => {
    const email = await imported(hash)
    for (const wrong of [`${PASSWORD}x`, PASSWORD.toUpperCase(), PASSWORD.normalize('NFD'), 'x']) {
      await expectProblem(await login(email, wrong), 'invalid_credentials')
    }
    expect(await hashOf(email)).toBe(hash)
    expect((await login(email, PASSWORD)).status).toBe(200)
    const ours = await hashOf(email)
    expect(ours).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect((await login(email, PASSWORD)).status).toBe(200)
    expect(await hashOf(email)).toBe(ours)
  })

  it('lets all logins in that come at once', async () => {
    const email = await imported(`$2b$06$${BCRYPT}`)
    const answers = await Promise.all(Array.from({ length: 6 }, () => login(email, PASSWORD)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  })

  it('is taken over once per address, and only for an address', async () => {
    const email = await imported(`$2b$06$${BCRYPT}`)
    const again = { email: email.toUpperCase().replace('PERSON', 'person'), passwordHash: `$2b$06$${BCRYPT}` }
    expect(await operator.administration.import(again)).toBe('email_taken')
    await expect(operator.administration.import({ ...again, email: 'nobody' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })
})

describe('bcrypt, which looks at 72 bytes only', () => {
  const matches = (password: string, hash: string) => readHash(hash)?.matches(password)

  it('takes 72 bytes, and none that are longer, though their beginning would do', async () => {
    const whole = 'x'.repeat(72)
    const hash = bcrypt(whole, { cost: 4 })
    expect(await matches(whole, hash)).toBe(true)
    expect(await matches(`${whole}y`, hash)).toBe(false)
    expect(await matches('x'.repeat(71), hash)).toBe(false)
    const long = bcrypt('é'.repeat(40), { cost: 4 })
    expect(await matches('é'.repeat(40), long)).toBe(false)
    expect(await matches('é'.repeat(36), long)).toBe(true)
  })

  it('takes no password with a NUL, where others stop reading', async () => {
    const hash = bcrypt('violet', { cost: 4 })
    expect(await matches('violet', hash)).toBe(true)
    expect(await matches('violet\0', hash)).toBe(false)
    expect(await matches('violet\0tractor', bcrypt('violet\0tractor', { cost: 4 }))).toBe(false)
  })
})

const HEX = 'a'.repeat(64)
describe('a hash that is refused', () => {
  it.each([
    '',
    'plain text',
    '$2b$31$abcdefghijklmnopqrstuu.FWdGVf6kSM8Z.zvF000wUxW5oMVK.W',
    '$2b$15$abcdefghijklmnopqrstuu.FWdGVf6kSM8Z.zvF000wUxW5oMVK.W',
    '$2b$03$abcdefghijklmnopqrstuu.FWdGVf6kSM8Z.zvF000wUxW5oMVK.W',
    '$2b$+6$abcdefghijklmnopqrstuu.FWdGVf6kSM8Z.zvF000wUxW5oMVK.W',
    '$2x$06$abcdefghijklmnopqrstuu.FWdGVf6kSM8Z.zvF000wUxW5oMVK.W',
    `$2b$06$${BCRYPT}x`,
    `$2b$06$${BCRYPT}\n`,
    '$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaA',
    '$argon2id$v=19$m=262144,t=99,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaA',
    '$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaA',
    '$argon2id$v=19$m=19456,t=2,p=99$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaA',
    '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lx$c29tZWhhc2hzb21laGFzaA',
    `pbkdf2:sha256:99999999$salt$${HEX}`,
    `pbkdf2:sha256:0$salt$${HEX}`,
    `pbkdf2:md5:1000$salt$${HEX}`,
    `pbkdf2:sha256:1000$salt$${HEX.slice(2)}`,
    `pbkdf2:sha256$salt$${HEX}`,
    `scrypt:1048576:8:1$salt$${HEX}${HEX}`,
    `scrypt:32768:999:1$salt$${HEX}${HEX}`,
    `scrypt:32768:8:16$salt$${HEX}${HEX}`,
    `scrypt:32767:8:1$salt$${HEX}${HEX}`,
    `scrypt:0:8:1$salt$${HEX}${HEX}`,
    `scrypt:1:8:1$salt$${HEX}${HEX}`,
    `scrypt:32768:8:1$salt$${HEX}`,
    `sha256$salt$${HEX}`,
    `pbkdf2:sha256:1000$${'s'.repeat(100_000)}$${HEX}`,
  ])('for its form or its cost: %s', (hash) => {
    expect(readHash(hash)).toBeNull()
  })

  it('is none that today would be thought of as costly', () => {
    for (const hash of [
      `$2b$14$${BCRYPT}`,
      `pbkdf2:sha256:1000000$salt$${HEX}`,
      `scrypt:131072:8:1$salt$${HEX}${HEX}`,
      '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaA',
    ]) {
      expect(readHash(hash)).not.toBeNull()
    }
  })
})

it("agrees with Debian's Werkzeug about passwords of every kind", async () => {
  const passwords = ['a', ' ', 'é'.repeat(60), 'x'.repeat(200), '\u0000', 'pass\u0000word', '𝓅𝒶𝓈𝓈', '$', ':', '"\\']
  const script = [
    'import json, sys',
    'from werkzeug.security import generate_password_hash as make',
    "print(json.dumps([make(p, method=m) for p in json.load(sys.stdin) for m in ('pbkdf2:sha256:1000', 'pbkdf2:sha512:9')]))",
  ].join('\n')
  const run = spawnSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(passwords), encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`Debian's python3-werkzeug is needed: ${run.stderr}`)
  const hashes = JSON.parse(run.stdout) as string[]
  for (const [index, hash] of hashes.entries()) {
    const own = passwords[Math.floor(index / 2)] ?? ''
    for (const password of passwords) expect(await readHash(hash)?.matches(password)).toBe(password === own)
  }
})
