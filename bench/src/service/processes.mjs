import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SERVICE = join(import.meta.dirname, '../../../packages/server/dist/main.js')

/** A folder that goes when `dispose` is called. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'rescind-bench-'))
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts the service as `npm start` does, in a process of its own; resolves once it listens. */
export function startService(folder, settings = {}, nodeFlags = []) {
  return startProcess([...nodeFlags, SERVICE], {
    cwd: folder,
    env: { PORT: '0', DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'warn', RATE_LIMIT: 'off', ...settings },
  })
}

/** Starts a Node process that prints `listening on <url>`. */
export async function startProcess(args, { cwd, env }) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  // A suite that fails must leave nobody behind.
  const endWithUs = () => child.kill('SIGKILL')
  process.once('exit', endWithUs)
  const exited = once(child, 'exit')
  let output = ''
  child.stdout.setEncoding('utf8')
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => {
      output += text
      const found = /^listening on (\S+)$/m.exec(output)
      if (found !== null) resolve(found[1])
    })
    child.once('exit', (code) => reject(new Error(`a process ended with ${code} before it listened`)))
  })
  return {
    child,
    url,
    async stop() {
      process.removeListener('exit', endWithUs)
      child.kill('SIGTERM')
      await exited
    },
  }
}
