import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'
import { buildLibrary } from '../../packages/rescind/test/support/build.ts'

/** What the test of an example sends. `json` is sent as it is where it is a string, so that it may be broken. */
export interface ExampleRequest {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
}

/** What the example answered. */
export interface ExampleReply {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** A running example. */
export interface ExampleProcess {
  readonly url: string
  /** Sends a request; `to` is method and path: `GET /me`. A token travels as `Authorization: Bearer`. */
  call(to: string, request?: ExampleRequest): Promise<ExampleReply>
  /** What it has printed so far. */
  output(): string
  /** Ends the process and answers its exit code, or the signal it died of. */
  stop(signal?: NodeJS.Signals): Promise<number | string | null>
}

/** A folder for the files of one example, and how to remove it. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'rescind-example-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Starts `main.mjs` of an example on a free port, as `npm start` would, and waits until it says that it listens. */
export async function startExample(name: string, env: Readonly<Record<string, string>>): Promise<ExampleProcess> {
  await build()
  const { child, output, ended } = runScript(name, 'main.mjs', { PORT: '0', ...env })
  const isReady = () => output().includes('listening on ')
  await Promise.race([eventually(isReady, 20_000), ended])
  if (!isReady()) throw new Error(`the example did not start: ${output()}`)
  const [, url = ''] = /^listening on (http:\S+)$/m.exec(output()) ?? []
  return {
    url,
    output,
    call: (to, request) => call(url, to, request),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs a script of an example to its end: what it printed, and its exit code or the signal it died of. */
export async function runToEnd(name: string, script: string, env: Readonly<Record<string, string>>) {
  await build()
  const { output, ended } = runScript(name, script, env)
  return { code: await ended, output: output() }
}

let built: Promise<void> | undefined
/** Once for each test file. */
function build(): Promise<void> {
  built ??= buildLibrary()
  return built
}

function runScript(name: string, script: string, env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [script], {
    cwd: join(import.meta.dirname, '..', name),
    // Without what the environment of the tests would configure.
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  // A test that fails does not come to stop what it started.
  const killNow = () => child.kill('SIGKILL')
  process.once('exit', killNow)
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    process.removeListener('exit', killNow)
    return code ?? signal ?? null
  })
  return { child, output: () => output, ended }
}

async function call(
  url: string,
  to: string,
  { token, headers = {}, json }: ExampleRequest = {},
): Promise<ExampleReply> {
  const [method = '', path = ''] = to.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: typeof json === 'string' ? json : JSON.stringify(json) }),
  })
  const text = await response.text()
  if (/\bat .+:\d+:\d+/.test(text)) throw new Error(`${to} answered with a stack: ${text}`)
  return { status: response.status, body: JSON.parse(text) }
}

/** The claims of a token, unchecked. */
export function claimsOf(token: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
}

/** The token with other bytes for its signature. */
export function forged(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url').map((byte) => byte ^ 1)
  return `${header}.${payload}.${Buffer.from(bytes).toString('base64url')}`
}
