import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

const bench = join(import.meta.dirname, '..')

/** What the figures depend on: the processor, the memory, Node, and the versions of all that is compared. */
export function describeMachine() {
  const cores = cpus()
  return {
    machine: {
      cpu: cores[0]?.model.trim() ?? process.arch,
      cores: cores.length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    },
    node: process.version,
    packages: packageVersions(),
  }
}

function packageVersions() {
  const { dependencies } = manifestOf(bench)
  const installed = Object.keys(dependencies).map((name) => [
    name,
    manifestOf(join(bench, 'node_modules', name)).version,
  ])
  const own = ['rescind', 'server'].map((folder) => manifestOf(join(bench, '../packages', folder)))
  return Object.fromEntries([...own.map(({ name, version }) => [name, version]), ...installed])
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
