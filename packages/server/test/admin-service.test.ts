import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { createService, type Service } from '../src/service.ts'
import { bearer, PASSWORD } from './support/start-app.ts'

const ADMIN = { email: 'operator@example.test', password: PASSWORD }

let directory: string
let service: Service
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-admin-service-'))
  const config = readConfig({
    DATA_DIR: directory,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    KEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64url'),
  })
  service = await createService(config, { write: () => {} })
})
afterAll(async () => {
  await service.close(1_000)
  rmSync(directory, { recursive: true, force: true })
})

it('the administrator of the first start manages the keys that the service signs with', async () => {
  const { app } = service
  const publishedKeys = async () =>
    (await app.inject('/.well-known/jwks.json')).json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid)
  const login = await app.inject({ method: 'POST', url: '/auth/login', payload: ADMIN })
  const headers = bearer(login.json<{ access_token: string }>().access_token)
  const listed = await app.inject({ url: '/admin/keys', headers })
  expect(listed.statusCode).toBe(200)
  expect(listed.json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid)).toEqual(await publishedKeys())

  const rotated = await app.inject({ method: 'POST', url: '/admin/keys/rotate', headers })
  expect(rotated.statusCode).toBe(201)
  await expect.poll(publishedKeys, { timeout: 10_000 }).toContain(rotated.json<{ kid: string }>().kid)
  const audit = await app.inject({ url: '/admin/audit', headers })
  expect(audit.json()).toMatchObject({ entries: [{ action: 'key.rotate', outcome: 'asked' }], next_cursor: null })
  expect((await app.inject({ url: '/admin/stats', headers })).json()).toMatchObject({ users: { all: 1 } })
})
