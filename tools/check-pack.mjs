// Packs both packages, installs the tarballs into an empty folder and uses them as a stranger would.

import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, publishable, root } from './lib.mjs'

const START_DEADLINE_MS = 20_000
const STOP_DEADLINE_MS = 15_000

const temp = mkdtempSync(join(tmpdir(), 'rescind-pack-'))
try {
  const tarballs = publishable.map(pack)
  const home = install(tarballs)
  useLibrary(home)
  await runService(home)
} finally {
  rmSync(temp, { recursive: true, force: true })
}

function pack({ folder, manifest }) {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', temp], folder))
  const paths = packed.files.map((file) => file.path)
  const unwanted = paths.filter((path) => !/^(dist\/|src\/|LICENSE$|README\.md$|package\.json$)/.test(path))
  if (unwanted.length > 0) throw new Error(`${manifest.name} ships ${unwanted.join(', ')}`)
  if (!paths.includes('LICENSE')) throw new Error(`${manifest.name} ships no LICENSE: copy the one at the root`)
  if (readFileSync(join(folder, 'LICENSE'), 'utf8') !== readFileSync(join(root, 'LICENSE'), 'utf8')) {
    throw new Error(`the LICENSE of ${manifest.name} differs from the one at the root`)
  }
  console.log(`packed ${packed.filename}: ${paths.length} files, ${packed.size} bytes`)
  return join(temp, packed.filename)
}

function install(tarballs) {
  const home = join(temp, 'home')
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
  run('npm', ['install', ...flags, ...tarballs], home)
  provideSqliteBinary(home)
  return home
}

/** The only install script we need compiles better-sqlite3, for a minute; take the workspace's binary if it fits. */
function provideSqliteBinary(home) {
  const [theirs, ours] = [home, root].map((folder) => join(folder, 'node_modules/better-sqlite3'))
  const versions = [theirs, ours].map(
    (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version,
  )
  if (versions[0] === versions[1]) cpSync(join(ours, 'build'), join(theirs, 'build'), { recursive: true })
  else run('npm', ['rebuild', 'better-sqlite3'], home)
}

function useLibrary(home) {
  const script = join(home, 'use.mjs')
  const { manifest } = publishable[0]
  const entries = Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => manifest.name + subpath.slice(1))
  writeFileSync(
    script,
    `import * as rescind from 'rescind'
if (typeof rescind.createRescind !== 'function') throw new Error('createRescind is not a function')
for (const entry of ${JSON.stringify(entries)}) {
  if (Object.keys(await import(entry)).length === 0) throw new Error(entry + ' exports nothing')
  console.log('imported ' + entry)
}
`,
  )
  process.stdout.write(run(process.execPath, [script], home))
}

async function runService(home) {
  const port = await freePort()
  const main = join(home, 'node_modules/rescind-server/dist/main.js')
  const env = { ...process.env, PORT: String(port), HOST: '127.0.0.1', DATA_DIR: join(temp, 'data') }
  const child = spawn(process.execPath, [main], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
  }
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  try {
    await answers200(`http://127.0.0.1:${port}/health/live`, child)
    console.log('rescind-server answers GET /health/live with 200')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    const { code, signal } = await ended
    clearTimeout(timer)
    if (code !== 0) throw new Error(`after SIGTERM the service ended with ${signal ?? code}, not with 0`)
    console.log('rescind-server stops on SIGTERM')
  } catch (error) {
    console.error(output)
    throw error
  } finally {
    child.kill('SIGKILL')
  }
}

async function answers200(url, child) {
  const deadline = Date.now() + START_DEADLINE_MS
  for (;;) {
    const status = await fetch(url).then(
      (response) => response.status,
      (error) => error.cause?.code ?? error.message,
    )
    if (status === 200) return
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode} before it answered`)
    if (Date.now() > deadline) throw new Error(`${url}: ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function run(file, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}
