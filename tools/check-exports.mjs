// Checks `exports` in both directions: each entry has its files, and each file meant as an entry is exported.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { filesIn, publishable } from './lib.mjs'

/** Which sources are entries. What lies in `shared/` folders is not. */
const entrySource = /^(index|wire|adapters\/[^/]+|stores\/[^/]+|compat\/[^/]+|testing\/index)\.ts$/

const problems = []

for (const { folder, manifest } of publishable) {
  const complain = (text) => problems.push(`${manifest.name}: ${text}`)
  const exported = new Set()

  for (const [subpath, entry] of Object.entries(manifest.exports)) {
    if (subpath === './package.json') continue
    if (Object.keys(entry).join() !== 'source,types,default') {
      complain(`exports["${subpath}"] must have "source", "types" and "default", in this order`)
      continue
    }
    for (const [condition, path] of Object.entries(entry)) {
      if (!existsSync(join(folder, path))) complain(`exports["${subpath}"].${condition}: there is no ${path}`)
    }
    const source = entry.source.replace(/^\.\/src\//, '')
    const stem = `./dist/${source.replace(/\.ts$/, '')}`
    if (entry.types !== `${stem}.d.ts` || entry.default !== `${stem}.js`) {
      complain(`exports["${subpath}"] mixes files of different sources`)
    }
    exported.add(source)
  }

  const sources = filesIn(join(folder, 'src'))
  for (const path of sources) {
    if (entrySource.test(path) && !exported.has(path)) complain(`src/${path} is meant as an entry, but is not exported`)
  }

  // tsc leaves behind what a deleted source had made, and `npm pack` would ship it.
  for (const path of filesIn(join(folder, 'dist'))) {
    const source = path.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
    if (source !== path && !sources.includes(source)) complain(`dist/${path} has no source any more: delete dist`)
  }
}

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
