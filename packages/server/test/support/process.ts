import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '../../../..')
const main = join(root, 'packages/server/dist/main.js')

/** Builds what the processes run. Test files run side by side, so one builds while the others wait. */
export async function build(): Promise<void> {
  const lock = join(tmpdir(), 'rescind-server-build.lock')
  for (let tries = 0; !tryLock(lock) && tries < 600; tries += 1) await sleep(100)
  try {
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-b', join(root, 'packages/server')],
      {
        stdio: 'inherit',
      },
    )
  } finally {
    rmdirSync(lock)
  }
}

function tryLock(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch {
    return false
  }
}

export interface ServiceProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly stdout: () => string
  readonly stderr: () => string
  /** Ends the process and answers its exit code, or the signal it died of. */
  stop(signal: NodeJS.Signals): Promise<number | string | null>
}

/** The environment of the tests, without what would configure the service: they all come from one address. */
function environment(settings: Record<string, string>): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', RATE_LIMIT: 'off', ...settings }
}

/** How a service is started that meets limits of its machine. */
export interface LaunchOptions {
  /** No file may grow past so many blocks of 512 bytes, as on a full disk. */
  readonly maxFileBlocks?: number
}

function launch(settings: Record<string, string>, cwd: string, { maxFileBlocks }: LaunchOptions = {}) {
  const limit = maxFileBlocks === undefined ? '' : `ulimit -f ${maxFileBlocks}; `
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$0" "$1"`, process.execPath, main], {
    cwd,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  return { child, output, closed: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]> }
}

/** Starts the real service in `cwd`, on a free port unless told otherwise, and waits until it has greeted. */
export async function startService(
  settings: Record<string, string>,
  cwd: string,
  options: LaunchOptions = {},
): Promise<ServiceProcess> {
  const { child, output, closed } = launch({ PORT: '0', ...settings }, cwd, options)
  let ended = false
  closed.then(() => {
    ended = true
  })
  while (!output.stdout.includes('try: ')) {
    if (ended) throw new Error(`the service ended: ${output.stderr}`)
    await sleep(10)
  }
  return {
    child,
    url: /^listening on (\S+)$/m.exec(output.stdout)?.[1] ?? '',
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    async stop(signal) {
      child.kill(signal)
      const [code, by] = await closed
      return code ?? by
    },
  }
}

/** Runs `rescind` with these words to its end. */
export async function runCommand(args: readonly string[], settings: Record<string, string>, cwd: string) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

/** Runs a service that is not expected to start, and answers how it ended. */
export async function failToStart(settings: Record<string, string>, cwd: string) {
  const { child, output, closed } = launch({ PORT: '0', ...settings }, cwd)
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  const [code] = await closed
  clearTimeout(timer)
  return { code, ...output }
}
