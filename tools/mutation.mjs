// `npm run mutation`: breaks what decides over requests in some two thousand places, one at a time, and tells which of
// them no test found out. It works on a copy, since it writes into the sources. Arguments go to Stryker, as
// `-- --mutate packages/rescind/src/tokens/claims.ts`.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from './lib.mjs'

// The newest that run on Node 20. Nobody who builds or tests has to install it.
const STRYKER = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/vitest-runner@9.6.1']

const copy = mkdtempSync(join(tmpdir(), 'rescind-mutation-'))
let code = 1
try {
  for (const file of trackedFiles()) cpSync(join(root, file), join(copy, file))
  cpSync(join(root, 'node_modules'), join(copy, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...STRYKER])
  code = run('npx', ['stryker', 'run', 'tools/mutation/stryker.json', ...process.argv.slice(2)])
  if (existsSync(join(copy, 'mutation.json'))) {
    cpSync(join(copy, 'mutation.json'), join(root, 'mutation.json'))
    console.log('mutation.json has all of them')
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.exit(code)

function trackedFiles() {
  const { stdout, status } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error('git does not list the files')
  return stdout.split('\0').filter((file) => file !== '' && dirname(file) !== '.ci')
}

function run(file, args) {
  // The same draws for each mutant: one that a lucky draw finds out would be another's luck the next time.
  const env = { ...process.env, FAST_CHECK_SEED: process.env.FAST_CHECK_SEED ?? '1' }
  const { status, error } = spawnSync(file, args, { cwd: copy, stdio: 'inherit', env })
  if (error !== undefined) throw error
  return status ?? 1
}
