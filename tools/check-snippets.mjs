// Compiles every `ts` snippet of the README and the guides, so that what a reader copies is right.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from './lib.mjs'

// In the repository, where the packages resolve; .gitignore knows it.
const folder = join(root, '.snippets')
const guides = join(root, 'docs/guide')
const pages = [join(root, 'README.md'), ...readdirSync(guides).map((name) => join(guides, name))]

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
try {
  let count = 0
  for (const page of pages) {
    for (const [, code = ''] of readFileSync(page, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)) {
      count += 1
      // A snippet is a module of its own, and shows names without using them.
      writeFileSync(join(folder, `${basename(page, '.md')}-${count}.ts`), `${code}\nexport {}\n`)
    }
  }
  if (count === 0) throw new Error('no snippet was found')
  const config = {
    extends: '../tsconfig.test.json',
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: ['*.ts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], {
    encoding: 'utf8',
  })
  process.stdout.write(`${stdout}${stderr}`)
  if (status !== 0) process.exitCode = 1
  else console.log(`${count} snippets compile`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
