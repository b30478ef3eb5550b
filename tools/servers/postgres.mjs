// Private PostgreSQL servers for tests: each in a folder of its own, on a port of its own, with fsync on.

import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findBinary, freePort, installDebianPackages } from './shared.mjs'

const DEBIAN_VERSIONS = '/usr/lib/postgresql'
const START_DEADLINE_MS = 20_000

/** Starts a server that nobody else uses. */
export async function startPostgres(options = {}) {
  const programs = findPrograms()
  const owner = serverUser()
  const folder = await mkdtemp(join(tmpdir(), 'rescind-pg-'))
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    // What is tested is that nothing acknowledged is lost.
    fsync: 'on',
    shared_buffers: '16MB',
    max_connections: '200',
    ...options.settings,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const start = () =>
    startProcess(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...flags], { ...owner, cwd: folder })

  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })

  let child
  try {
    run(join(programs, 'initdb'), initdbArguments(data), { ...owner, cwd: folder })
    child = await start()
  } catch (error) {
    await removeFolder()
    throw error
  }
  const stopWithUs = () => {
    child.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  process.once('exit', stopWithUs)
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    port,
    async kill(signal = 'SIGKILL') {
      await stop(child, signal)
    },
    async start() {
      if (isRunning(child)) throw new Error('the server is running')
      child = await start()
    },
    async dispose() {
      process.removeListener('exit', stopWithUs)
      await stop(child, 'SIGQUIT')
      await removeFolder()
    },
  }
}

/** The server named by TEST_POSTGRES_URL, or a private one. */
export async function postgresForTests() {
  const url = process.env.TEST_POSTGRES_URL
  if (url) return { url, dispose: async () => {} }
  const { url: privateUrl, dispose } = await startPostgres()
  return { url: privateUrl, dispose }
}

function initdbArguments(data) {
  return ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
}

/** The folder that holds `initdb` and `postgres` of one version. */
function findPrograms() {
  const found = findInitdb() ?? (installDebianPackages(['postgresql']) ? findInitdb() : null)
  if (found !== null && existsSync(join(dirname(found), 'postgres'))) return dirname(found)
  throw new Error(
    'PostgreSQL is missing: install the Debian package `postgresql`, put `initdb` and `postgres` on the PATH, ' +
      'or name a running server in TEST_POSTGRES_URL',
  )
}

function findInitdb() {
  const versions = existsSync(DEBIAN_VERSIONS) ? readdirSync(DEBIAN_VERSIONS) : []
  versions.sort((a, b) => Number(b) - Number(a))
  return findBinary(
    ['initdb'],
    versions.map((version) => join(DEBIAN_VERSIONS, version, 'bin')),
  )
}

/** PostgreSQL refuses to run as root. */
function serverUser() {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }))
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as')
}

function run(program, args, options) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`)
}

/** Resolves when the server accepts connections. */
async function startProcess(program, args, options) {
  const giveUpAt = performance.now() + START_DEADLINE_MS
  for (;;) {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    const { ready, output } = await accepted(child)
    if (ready) return child
    // The processes of a server that was killed outlive it for a moment, and hold its memory.
    if (!/lock file|shared memory block/.test(output) || performance.now() > giveUpAt) {
      await stop(child, 'SIGKILL')
      throw new Error(`PostgreSQL did not start:\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function accepted(child) {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => settle(false), START_DEADLINE_MS)
    const settle = (ready) => {
      clearTimeout(timer)
      child.removeAllListeners('exit')
      child.stderr.removeListener('data', listen)
      // Nobody reads the log from here on, and a full pipe would stop the server.
      child.stderr.resume()
      resolve({ ready, output })
    }
    const listen = (chunk) => {
      output += chunk
      if (/ready to accept (read-only )?connections/.test(output)) settle(true)
    }
    child.stderr.setEncoding('utf8').on('data', listen)
    child.once('exit', () => settle(false))
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}

function isRunning(child) {
  return child.exitCode === null && child.signalCode === null
}

async function stop(child, signal) {
  if (!isRunning(child)) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await exited
}
