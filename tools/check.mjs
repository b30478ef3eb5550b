// `npm run check`: everything but the tests, in order, stopping at the first failure.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { publishable, root } from './lib.mjs'

const bin = (name) => join(root, 'node_modules/.bin', name)
const tool = (name) => [process.execPath, join(root, 'tools', name)]

const steps = [
  ['tsc -b', [bin('tsc'), '-b']],
  ['tsc, with the tests', [bin('tsc'), '-p', 'tsconfig.test.json', '--noEmit']],
  ['snippets of the guides', tool('check-snippets.mjs'), { show: true }],
  ['biome', [bin('biome'), 'check', '--error-on-warnings', '.']],
  ['knip', [bin('knip'), '--no-progress']],
  ['knip --production', [bin('knip'), '--no-progress', '--production']],
  [
    'import rules',
    [bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'packages/rescind/src', 'packages/server/src'],
  ],
  ['import rules bite', tool('check-import-rules.mjs'), { show: true }],
  ['exports', tool('check-exports.mjs')],
  ...publishable.flatMap(({ folder, manifest }) => [
    [`publint ${manifest.name}`, [bin('publint'), '--strict', '--pack', 'npm', folder]],
    [`attw ${manifest.name}`, [bin('attw'), '--profile', 'esm-only', '--no-emoji', '--pack', folder]],
  ]),
  ['packed and installed', tool('check-pack.mjs'), { show: true }],
]

for (const [name, command, options] of steps) {
  const start = performance.now()
  const { code, output } = await run(command)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (code !== 0) {
    console.error(output)
    console.error(`FAILED  ${name} (${seconds}s): ${command.map((part) => part.replace(`${root}/`, '')).join(' ')}`)
    process.exit(1)
  }
  if (options?.show) console.log(output.trimEnd().replace(/^/gm, '    '))
  console.log(`ok  ${name} (${seconds}s)`)
}

function run([file, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
