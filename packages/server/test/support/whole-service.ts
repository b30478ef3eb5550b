import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { createService, type Service } from '../../src/service.ts'
import { newEmail, PASSWORD, type Tokens } from './start-app.ts'

export interface WholeService {
  readonly service: Service
  readonly url: string
  readonly directory: string
  readonly log: () => readonly LogLine[]
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  register(email?: string): Promise<Tokens>
  close(): Promise<void>
}

export type LogLine = Readonly<Record<string, unknown>>

/** The service as `rescind serve` composes it, in this process: with its metrics, its traces and its limits. */
export async function startWholeService(settings: Record<string, string> = {}): Promise<WholeService> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-whole-'))
  const lines: string[] = []
  const config = readConfig({ DATA_DIR: directory, RATE_LIMIT: 'off', ...settings })
  const service = await createService(config, { write: (line) => lines.push(line) })
  const url = await service.app.listen({ port: 0, host: '127.0.0.1' })
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    service,
    url,
    directory,
    log: () => lines.map((line) => JSON.parse(line) as LogLine),
    post,
    async register(email = newEmail()) {
      const answer = await post('/auth/register', { email, password: PASSWORD })
      if (answer.status !== 201) throw new Error(`register: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as Tokens
    },
    async close() {
      await service.close(0)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
