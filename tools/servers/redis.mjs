// Private Redis (or Valkey) servers for tests and benchmarks.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBinary, freePort, installDebianPackages } from './shared.mjs'

const NAMES = ['redis-server', 'valkey-server']
const START_ATTEMPTS = 3
const READY_WITHIN_MS = 10_000

/** Starts a server of its own on a free port, with its data in a folder of its own. */
export async function startRedis({ persistence = 'none', config = [] } = {}) {
  const binary = serverBinary()
  const folder = await mkdtemp(join(tmpdir(), 'rescind-redis-'))
  let port = 0
  let child = null

  const launch = async () => {
    const aof = persistence === 'aof' ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
    const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--logfile', join(folder, 'log')]
    const started = spawn(binary, [...where, '--save', '', ...aof, ...config], { stdio: 'ignore' })
    child = started
    await ready(started, port)
  }
  const kill = async (signal = 'SIGKILL') => {
    const running = child
    child = null
    process.removeListener('exit', killNow)
    if (!isAlive(running)) return
    const ended = once(running, 'exit')
    running.kill(signal)
    await ended
  }
  const killNow = () => child?.kill('SIGKILL')
  const start = async () => {
    if (isAlive(child)) throw new Error('The server is running: kill it before it is started again.')
    process.once('exit', killNow)
    try {
      await launch()
    } catch (error) {
      await kill()
      const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '')
      throw new Error(`${binary} did not start: ${error.message}\n${log.split('\n').slice(-10).join('\n')}`)
    }
  }

  for (let attempt = 1; ; attempt += 1) {
    port = await freePort()
    try {
      await start()
      break
    } catch (error) {
      // Another process may have taken the port meanwhile.
      if (attempt < START_ATTEMPTS) continue
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    kill,
    start,
    async dispose() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The server that TEST_REDIS_URL names, or a private one. */
export async function redisForTests() {
  const url = process.env.TEST_REDIS_URL
  if (url !== undefined && url !== '') return { url, dispose: async () => {} }
  return startRedis()
}

function serverBinary() {
  const found = findBinary(NAMES, ['/usr/local/bin', '/opt/homebrew/bin'])
  if (found !== null) return found
  if (installDebianPackages(['redis-server'])) {
    const installed = findBinary(NAMES)
    if (installed !== null) return installed
  }
  throw new Error(
    'Neither redis-server nor valkey-server is on the PATH. Install one (Debian: `apt-get install redis-server`; ' +
      'macOS: `brew install redis`), or for the tests that need no server of their own set TEST_REDIS_URL.',
  )
}

function isAlive(child) {
  return child !== null && child.exitCode === null && child.signalCode === null
}

/** Resolves once the server answers PING; it does not while it loads its data. */
async function ready(child, port) {
  const giveUpAt = performance.now() + READY_WITHIN_MS
  while (performance.now() < giveUpAt) {
    const isAnswered = await answersPing(port)
    // Asked last: where it ended for want of the port, it is another that answers.
    if (!isAlive(child)) throw new Error('it ended at once')
    if (isAnswered) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`it did not answer within ${READY_WITHIN_MS} ms`)
}

function answersPing(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const done = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => done(false))
    socket.once('data', (data) => done(data.toString().startsWith('+PONG')))
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
  })
}
