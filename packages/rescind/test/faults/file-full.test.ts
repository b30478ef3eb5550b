import { deepEqual, ok, rejects } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Revocation, Store } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createRandom } from '../support/random.ts'
import { createSimulatedDisk, hasCode } from './file-disk.ts'
import { check, createBook, revocation, work } from './file-workload.ts'

const CALLERS = 4
const ROOM = 1_000_000

/** A disk that can be filled up. */
interface FullDisk {
  open(onWarning?: (message: string) => void): Store
  /** Leaves so many bytes free. */
  leaveFree(bytes: number): void
  dispose(): void
}

function simulatedDisk(): FullDisk {
  const disk = createSimulatedDisk(createRandom(1))
  const fileSystem = disk.boot()
  return {
    open: (onWarning = () => {}) => fileStore('/data/log', { fileSystem, compactBytes: 8_192, onWarning }),
    leaveFree(bytes) {
      disk.capacityBytes = disk.usedBytes + bytes
    },
    dispose() {},
  }
}

function run(command: string, ...parameters: string[]): void {
  execFileSync(command, parameters, { stdio: 'ignore' })
}

/** Mounts a small file system in memory. */
function mountedDisk(): FullDisk {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  run('mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder)
  const ballast = join(folder, 'ballast')
  return {
    open: (onWarning = () => {}) => fileStore(join(folder, 'log'), { compactBytes: 8_192, onWarning }),
    leaveFree(bytes) {
      rmSync(ballast, { force: true })
      const { bavail, bsize } = statfsSync(folder)
      const spare = Math.max(0, bavail * bsize - bytes)
      try {
        writeFileSync(ballast, Buffer.alloc(spare))
      } catch (error) {
        // Free space is counted roughly here. What did not fit has filled the disk all the same.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    },
    dispose() {
      run('umount', '-l', folder)
      rmdirSync(folder)
    },
  }
}

/** True where this user may mount a file system; elsewhere only the simulated disk is tried. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder)
    run('umount', folder)
    return true
  } catch {
    return false
  } finally {
    rmdirSync(folder)
  }
}

async function readAll({ ledger }: Store): Promise<Revocation[]> {
  const all: Revocation[] = []
  for await (const page of ledger.read(null)) all.push(...page.records)
  return all
}

/** What a write to a full disk fails with: there was no room, or not enough. */
function isFull(error: unknown): boolean {
  return hasCode('ENOSPC')(error) || (error instanceof Error && error.message.includes('is the disk full?'))
}

function describeFullDisk(name: string, make: () => FullDisk): void {
  describe(`the file store on a full disk: ${name}`, () => {
    let disk: FullDisk
    beforeAll(() => {
      disk = make()
    })
    afterAll(() => disk.dispose())

    it('rejects what it cannot write, answers what it can, and goes on when there is room', async () => {
      const book = createBook()
      const random = createRandom(2)
      const stores = [disk.open(), disk.open()]
      disk.leaveFree(ROOM)
      for (let round = 0; round < 5; round += 1) {
        let refused = 0
        const survives = (error: unknown) => {
          if (isFull(error)) refused += 1
          return isFull(error)
        }
        const workAll = (phase: string, count: number) =>
          Promise.all(
            stores.flatMap((store, at) =>
              Array.from({ length: CALLERS }, (_, n) =>
                work(store, book, { name: `${round}-${phase}-${at}-${n}`, count, random, survives }),
              ),
            ),
          )
        await workAll('roomy', 20)
        disk.leaveFree(random.below(5_000))
        await workAll('full', 100)
        ok(refused > 0, 'the disk was never full')
        disk.leaveFree(ROOM)
        refused = 0
        await workAll('roomy again', 20)
        deepEqual(refused, 0)
        const late = disk.open()
        for (const store of [...stores, late]) await check(store, book)
        await late.close()
      }
      await Promise.all(stores.map((store) => store.close()))
    })

    it('keeps what it holds readable while nothing can be written', async () => {
      const store = disk.open()
      disk.leaveFree(ROOM)
      await store.ledger.append([revocation('before')])
      const held = await readAll(store)
      disk.leaveFree(0)
      // A page of the file may have room left, and a compaction makes some.
      const fill = async () => {
        for (let n = 0; ; n += 1) await store.ledger.append([revocation(`filling-${n}`)])
      }
      await rejects(fill, isFull)
      const late = disk.open()
      for (const each of [store, late]) {
        const now = await readAll(each)
        deepEqual(now.slice(0, held.length), held)
        ok(await each.ledger.find({ jti: 'before', sid: undefined, sub: undefined, iatMs: 0 }, 0))
        // What is recorded already needs no room.
        await each.ledger.append([revocation('before')])
      }
      await Promise.all([store.close(), late.close()])
    })
  })
}

describeFullDisk('simulated', simulatedDisk)
if (canMount()) describeFullDisk('real', mountedDisk)
