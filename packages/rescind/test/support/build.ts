import { execFileSync } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '../../../..')
// The service's tests build as well, under the same lock: both write the library's dist.
const lock = join(tmpdir(), 'rescind-server-build.lock')

/** Builds the library for the processes that tests start. Test files run side by side: one builds, others wait. */
export async function buildLibrary(): Promise<void> {
  for (let tries = 0; !tryLock() && tries < 600; tries += 1) await sleep(100)
  try {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    execFileSync(process.execPath, [compiler, '-b', join(root, 'packages/rescind')], { stdio: 'inherit' })
  } finally {
    rmdirSync(lock)
  }
}

function tryLock(): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch {
    return false
  }
}
