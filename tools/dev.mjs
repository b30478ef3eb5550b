// `npm run dev`: rebuilds on every change of the sources, and restarts the service on every change of the build.

import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './lib.mjs'

const tsc = join(root, 'node_modules/typescript/bin/tsc')
const options = { cwd: root, stdio: 'inherit' }

// A first build, so that the service has something to run. Errors are shown; the watcher shows when they are mended.
spawnSync(process.execPath, [tsc, '-b'], options)

const children = [
  [tsc, '-b', '--watch', '--preserveWatchOutput'],
  ['--watch', '--watch-preserve-output', 'packages/server/dist/main.js'],
].map((args) => spawn(process.execPath, args, options))

const stop = () => {
  for (const child of children) child.kill('SIGTERM')
}
process.once('SIGINT', stop).once('SIGTERM', stop)
for (const child of children) child.once('exit', stop)
