// What the starters of private servers share: a port, the binary, and how to get it where it is missing.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/** The path of the first of these programs that is there to run, or `null`. The PATH is searched first. */
export function findBinary(names, extraDirectories = []) {
  const directories = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...extraDirectories]
  for (const name of names) {
    for (const directory of directories) {
      const path = join(directory, name)
      if (isExecutable(path)) return path
    }
  }
  return null
}

/** Installs Debian packages when this process may; answers whether they are installed now. */
export function installDebianPackages(packages) {
  const apt = findBinary(['apt-get'])
  if (process.getuid?.() !== 0 || apt === null) return false
  // Packages of servers start them where the runlevel says so; the tests start servers of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const run = (...words) => spawnSync(apt, words, { env, stdio: 'ignore' }).status === 0
  const install = () => run('install', '--yes', '--no-install-recommends', ...packages)
  // The lists of a fresh image are often missing.
  return install() || (run('update') && install())
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
