// `npm run bench`: builds, installs what the benchmarks compare us with, and runs them. bench/ is no workspace, so that
// `npm ci` at the root never installs the peers.

import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib.mjs'

const bench = join(root, 'bench')
const args = process.argv.slice(2)

if (!['--help', '-h', '--markdown'].some((flag) => args.includes(flag))) {
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], root)
  if (isInstallStale()) run('npm', ['ci', '--no-audit', '--no-fund'], bench)
}
run(process.execPath, [join(bench, 'src/main.mjs'), ...args], root)

function isInstallStale() {
  // npm writes this file at the end of each install.
  const installed = join(bench, 'node_modules/.package-lock.json')
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(join(bench, 'package-lock.json')).mtimeMs
}

function run(file, args, cwd) {
  const { status, error } = spawnSync(file, args, { cwd, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}
