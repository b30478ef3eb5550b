// `npm start`: builds what is stale, then runs the service in this very process, so that signals reach it directly.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { publishable, root } from './lib.mjs'

const main = join(root, 'packages/server/dist/main.js')
const buildInfos = publishable.map(({ folder }) => join(folder, 'dist/.tsbuildinfo'))

if (isStale()) build()

// The service may ask whether it was started directly.
process.argv[1] = main
await import(pathToFileURL(main).href)

function isStale() {
  if (!existsSync(main)) return true
  return publishable.some(({ folder }, index) => {
    if (!existsSync(buildInfos[index])) return true
    const builtAt = statSync(buildInfos[index]).mtimeMs
    const configs = [join(folder, 'tsconfig.json'), join(root, 'tsconfig.base.json'), join(root, 'tsconfig.json')]
    return configs.some((path) => changedSince(builtAt, path)) || changedSince(builtAt, join(folder, 'src'))
  })
}

/** Folders count too: theirs is the only time that changes when a file goes. */
function changedSince(timeMs, path) {
  const stats = statSync(path)
  if (stats.mtimeMs > timeMs) return true
  return stats.isDirectory() && readdirSync(path).some((name) => changedSince(timeMs, join(path, name)))
}

function build() {
  const startedAt = new Date()
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-b'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    // tsc writes its files despite errors; without this, the next start would take them for a good build.
    for (const path of buildInfos) rmSync(path, { force: true })
    process.exit(status ?? 1)
  }
  // tsc leaves the time alone when a change made no difference; what was saved during the build stays stale.
  for (const path of buildInfos) utimesSync(path, startedAt, startedAt)
}
