// Private nginx servers for tests.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBinary, freePort, installDebianPackages } from './shared.mjs'

const START_ATTEMPTS = 3
const READY_WITHIN_MS = 10_000
const TEMPORARY_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Starts a server of its own on a free port; `LISTEN` in the configuration stands for its address. */
export async function startNginx(config) {
  const binary = nginxBinary()
  const folder = await mkdtemp(join(tmpdir(), 'rescind-nginx-'))
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      const child = await launch(binary, folder, { config, port })
      return { url: `http://127.0.0.1:${port}`, port, stop: () => stop(child, folder) }
    } catch (error) {
      // Another process may have taken the port meanwhile.
      if (attempt < START_ATTEMPTS) continue
      const log = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '')
      await rm(folder, { recursive: true, force: true })
      throw new Error(`nginx did not start: ${error.message}\n${log.split('\n').slice(-10).join('\n')}`)
    }
  }
}

async function launch(binary, folder, { config, port }) {
  // One process, which is whoever starts it, and writes nothing outside of its folder.
  const head = `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log ${folder}/error.log;\n`
  const paths = TEMPORARY_PATHS.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')
  const body = config
    .replace(/^http \{$/m, `http {\n${paths}\naccess_log off;`)
    .replaceAll('LISTEN', `127.0.0.1:${port}`)
  await writeFile(join(folder, 'nginx.conf'), head + body)
  const log = join(folder, 'error.log')
  const child = spawn(binary, ['-p', folder, '-e', log, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const giveUpAt = performance.now() + READY_WITHIN_MS
  while (performance.now() < giveUpAt) {
    const isAnswered = await answers(port)
    // Asked last: where it ended for want of the port, it is another that answers.
    if (!isAlive(child)) throw new Error('it ended at once')
    if (isAnswered) return child
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  child.kill('SIGKILL')
  throw new Error(`it did not answer within ${READY_WITHIN_MS} ms`)
}

async function stop(child, folder) {
  if (isAlive(child)) {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  await rm(folder, { recursive: true, force: true })
}

function nginxBinary() {
  const places = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']
  const found = findBinary(['nginx'], places)
  if (found !== null) return found
  if (installDebianPackages(['nginx'])) {
    const installed = findBinary(['nginx'], places)
    if (installed !== null) return installed
  }
  throw new Error('There is no nginx. Install one (Debian: `apt-get install nginx`; macOS: `brew install nginx`).')
}

function isAlive(child) {
  return child.exitCode === null && child.signalCode === null
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const done = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}
