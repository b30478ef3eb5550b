// `npm run lock`: adds to each package-lock.json the optional platform packages that npm left out because the registry it
// asked does not hold them; without them `npm ci` calls the lock file out of step. The entries carry no integrity hash,
// so run `npm install` against the full registry before a release: it fills them in.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib.mjs'

const PLATFORM =
  /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(musl|gnu|msvc|eabi|gnueabihf|musleabihf))?$/

for (const file of ['package-lock.json', 'bench/package-lock.json']) complete(file)

function complete(name) {
  const file = join(root, name)
  const before = readFileSync(file, 'utf8')
  const lock = JSON.parse(before)
  const known = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')))
  for (const owner of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
      if (known.has(name)) continue
      const [, os, cpu, abi] = PLATFORM.exec(name) ?? []
      if (os === undefined) throw new Error(`${name} is missing from ${file} and is no platform package`)
      const libc = abi?.startsWith('musl') ? ['musl'] : os === 'linux' && abi?.startsWith('gnu') ? ['glibc'] : undefined
      lock.packages[`node_modules/${name}`] = {
        version,
        cpu: [cpu],
        ...(owner.dev ? { dev: true } : {}),
        ...(libc ? { libc } : {}),
        license: owner.license,
        optional: true,
        os: [os],
        ...(owner.engines ? { engines: owner.engines } : {}),
      }
      console.log(`added ${name}@${version}`)
    }
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) =>
    a === '' ? -1 : b === '' ? 1 : a.localeCompare(b, 'en'),
  )
  const after = `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`
  // A lock that is newer than what is installed makes `npm run bench` install all of it again.
  if (after !== before) writeFileSync(file, after)
}
