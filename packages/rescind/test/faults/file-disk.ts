import { basename } from 'node:path'
import type { FileLike, FileSystemLike } from 'rescind/stores/file'
import type { Random } from '../support/random.ts'

/**
 * A disk in memory that can fail as real ones do. It keeps apart what programs see and what the disk has: a write
 * reaches the disk with the file's sync at the latest, a name with the directory's.
 */
export interface SimulatedDisk {
  /** How many bytes all files may take. */
  capacityBytes: number
  /** So many operations from now the power goes. */
  operationsLeft: number
  /** So many syncs from now on fail, for all who have the file open; what should have been written never is. */
  syncsToFail: number
  /** Ends all programs. Of what was not synced, the disk holds what chance has left of it, or nothing. */
  cutPower(keeps?: 'nothing'): void
  readonly isOn: boolean
  readonly usedBytes: number
  /** Turns the power on. The files are as what is on the disk, for the programs that run until the next power cut. */
  boot(): FileSystemLike
  /** The names of the files there are. */
  list(): string[]
}

interface Inode {
  readonly id: number
  data: Buffer
  onDisk: Buffer
  unsynced: Write[]
  /** One for each time it is open; those in which a failed sync has yet to be reported. */
  readonly handles: Set<{ mustFail: boolean }>
}

interface Write {
  readonly bytes: Buffer
  readonly offset: number
}

/** Makes an empty disk without limits. All names are in one directory. */
export function createSimulatedDisk(random: Random): SimulatedDisk {
  let names = new Map<string, Inode>()
  let namesOnDisk = new Map<string, Inode>()
  let inodes: Inode[] = []
  let lastId = 0
  let isOn = false
  let boots = 0

  const disk: SimulatedDisk = {
    capacityBytes: Number.POSITIVE_INFINITY,
    operationsLeft: Number.POSITIVE_INFINITY,
    syncsToFail: 0,
    cutPower(keeps) {
      isOn = false
      for (const inode of inodes) {
        inode.data = keeps === 'nothing' ? inode.onDisk : leftOver(inode, random)
        inode.onDisk = inode.data
        inode.unsynced = []
      }
      const survivors = new Map<string, Inode>()
      for (const name of new Set([...names.keys(), ...namesOnDisk.keys()])) {
        const inode = random.pick(
          keeps === 'nothing' ? [namesOnDisk.get(name)] : [names.get(name), namesOnDisk.get(name)],
        )
        if (inode !== undefined) survivors.set(name, inode)
      }
      names = survivors
      namesOnDisk = new Map(survivors)
      inodes = [...new Set(survivors.values())]
    },
    get isOn() {
      return isOn
    },
    get usedBytes() {
      return [...new Set(names.values())].reduce((sum, inode) => sum + inode.data.length, 0)
    },
    boot() {
      boots += 1
      isOn = true
      disk.operationsLeft = Number.POSITIVE_INFINITY
      return fileSystemOf(boots)
    },
    list: () => [...names.keys()],
  }

  /** Lets other programs run, and ends this one when the power has gone. */
  const operation = async (boot: number) => {
    await new Promise((resolve) => setImmediate(resolve))
    if (isOn && boot === boots) disk.operationsLeft -= 1
    if (isOn && disk.operationsLeft <= 0) disk.cutPower()
    if (!isOn || boot !== boots) throw new Error('the power was cut')
  }

  const write = (inode: Inode, bytes: Buffer, position: number | null): number => {
    const offset = position ?? inode.data.length
    const free = disk.capacityBytes - disk.usedBytes
    const end = Math.min(offset + bytes.length, Math.max(inode.data.length, inode.data.length + free))
    const part = Buffer.from(bytes.subarray(0, Math.max(0, end - offset)))
    if (part.length === 0 && bytes.length > 0) throw failure('ENOSPC')
    inode.data = overlay(inode.data, { bytes: part, offset })
    inode.unsynced.push({ bytes: part, offset })
    return part.length
  }

  /** As Linux has it, a failed sync leaves the data readable and forgets that it was to be written. */
  const sync = (inode: Inode, writes: readonly Write[]) => {
    const isFailing = disk.syncsToFail > 0
    if (isFailing) {
      disk.syncsToFail -= 1
      for (const each of inode.handles) each.mustFail = true
    } else {
      for (const each of writes) inode.onDisk = overlay(inode.onDisk, each)
    }
    inode.unsynced = inode.unsynced.filter((each) => !writes.includes(each))
  }

  const fileOf = (inode: Inode, boot: number): FileLike => {
    const handle = { mustFail: false }
    inode.handles.add(handle)
    return {
      async status() {
        await operation(boot)
        return { identity: String(inode.id), size: inode.data.length }
      },
      async read(into, position) {
        await operation(boot)
        return inode.data.copy(into, 0, Math.min(position, inode.data.length))
      },
      async write(bytes, position) {
        await operation(boot)
        return write(inode, bytes, position)
      },
      async datasync() {
        const writes = [...inode.unsynced]
        await operation(boot)
        sync(inode, writes)
        if (handle.mustFail) {
          handle.mustFail = false
          throw failure('EIO')
        }
      },
      async close() {
        inode.handles.delete(handle)
      },
    }
  }

  const fileSystemOf = (boot: number): FileSystemLike => ({
    async makeDirectory() {
      await operation(boot)
    },
    async list() {
      await operation(boot)
      return [...names.keys()]
    },
    async status(path) {
      await operation(boot)
      const inode = names.get(basename(path))
      return inode === undefined ? null : { identity: String(inode.id), size: inode.data.length }
    },
    async openLog(path) {
      await operation(boot)
      const inode = names.get(basename(path))
      return inode === undefined ? null : fileOf(inode, boot)
    },
    async create(path) {
      await operation(boot)
      if (names.has(basename(path))) throw failure('EEXIST')
      lastId += 1
      const empty = Buffer.alloc(0)
      const inode: Inode = { id: lastId, data: empty, onDisk: empty, unsynced: [], handles: new Set() }
      inodes.push(inode)
      names.set(basename(path), inode)
      return fileOf(inode, boot)
    },
    async link(from, to) {
      await operation(boot)
      const inode = names.get(basename(from))
      if (inode === undefined || names.has(basename(to))) return false
      names.set(basename(to), inode)
      return true
    },
    async unlink(path) {
      await operation(boot)
      names.delete(basename(path))
    },
    async syncDirectory() {
      await operation(boot)
      namesOnDisk = new Map(names)
    },
  })

  return disk
}

/** What a power cut leaves of a file: of the writes not synced none, the first few, or any; the last of them torn. */
function leftOver({ onDisk, unsynced }: Inode, random: Random): Buffer {
  const style = random.pick(['none', 'first', 'any'] as const)
  if (style === 'none') return onDisk
  const count = random.below(unsynced.length + 1)
  const kept = style === 'first' ? unsynced.slice(0, count) : unsynced.filter(() => random.next() < 0.5)
  const last = kept.pop()
  const torn =
    last === undefined ? [] : [{ ...last, bytes: last.bytes.subarray(0, random.below(last.bytes.length + 1)) }]
  return [...kept, ...torn].reduce(overlay, onDisk)
}

/** The file after a write; what lies before it and was never written is zeros. */
function overlay(data: Buffer, { bytes, offset }: Write): Buffer {
  const result = Buffer.alloc(Math.max(data.length, offset + bytes.length))
  data.copy(result)
  bytes.copy(result, offset)
  return result
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code })
}

/** Tells the failures with this code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && 'code' in error && error.code === code
}
