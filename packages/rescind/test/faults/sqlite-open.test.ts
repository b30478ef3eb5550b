import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { buildLibrary } from '../support/build.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'sqlite-opener.mjs')
const UNTIL_ALL_RUN_MS = 1_500

beforeAll(buildLibrary, 120_000)

// SQLite does not wait for a lock while it turns the write-ahead log on, whatever the busy timeout.
it('a new database can be opened by several processes at the same moment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const beginAt = String(Date.now() + UNTIL_ALL_RUN_MS)
  const openers = Array.from({ length: 4 }, () => run(process.execPath, [script, join(folder, 'db'), '100', beginAt]))
  for (const { stdout, stderr } of await Promise.all(openers)) expect(stdout, stderr).toBe('done')
}, 60_000)
