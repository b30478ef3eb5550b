import {
  close,
  constants,
  fdatasync,
  fstat,
  fsync,
  link,
  mkdir,
  open,
  read,
  readdir,
  stat,
  unlink,
  write,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

/** Which file it is, and how long. */
export interface FileStatus {
  /** Differs when another file has taken the name. */
  readonly identity: string
  readonly size: number
}

/** An open file, as the file store uses it. */
export interface FileLike {
  status(): Promise<FileStatus>
  /** Reads into the whole of `into`, or as far as the file goes; answers how many bytes it read. */
  read(into: Buffer, position: number): Promise<number>
  /** Writes at `position`, or at the end whoever else writes there (`null`); answers how many bytes it wrote. */
  write(bytes: Buffer, position: number | null): Promise<number>
  /** Resolves once what was written before survives a power cut. */
  datasync(): Promise<void>
  /** Doing so again changes nothing. */
  close(): Promise<void>
}

/** The part of a file system that the file store calls. */
export interface FileSystemLike {
  /** Makes the directory, for its owner only, and whatever leads to it. */
  makeDirectory(path: string): Promise<void>
  list(directory: string): Promise<readonly string[]>
  status(path: string): Promise<FileStatus | null>
  /** Opens a log for reading and for writing at its end; `null` when there is none. */
  openLog(path: string): Promise<FileLike | null>
  /** Makes a file that does not exist yet, for its owner only. */
  create(path: string): Promise<FileLike>
  /** Gives the file a second name. False when that name is taken, or the first is gone. */
  link(from: string, to: string): Promise<boolean>
  /** Takes a name away; none there is none to take. */
  unlink(path: string): Promise<void>
  /** Resolves once the names in the directory survive a power cut. */
  syncDirectory(path: string): Promise<void>
}

const io = {
  close: promisify(close),
  fdatasync: promisify(fdatasync),
  fstat: promisify(fstat),
  fsync: promisify(fsync),
  link: promisify(link),
  mkdir: promisify(mkdir),
  open: promisify(open),
  read: promisify(read),
  readdir: promisify(readdir),
  stat: promisify(stat),
  unlink: promisify(unlink),
  write: promisify(write),
}

/** The machine's files. */
export const nodeFileSystem: FileSystemLike = {
  async makeDirectory(path) {
    const first = await io.mkdir(path, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    // A new directory is a name in the one above it, and that has to survive as well.
    for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
  },
  list: (directory) => io.readdir(directory),
  async status(path) {
    try {
      return statusOf(await io.stat(path))
    } catch (error) {
      return unlessMissing(error, null)
    }
  },
  async openLog(path) {
    try {
      // No O_CREAT: a log comes into being whole, under a name nobody else has taken.
      return fileOf(await io.open(path, constants.O_RDWR | constants.O_APPEND))
    } catch (error) {
      return unlessMissing(error, null)
    }
  },
  create: async (path) => fileOf(await io.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)),
  async link(from, to) {
    try {
      await io.link(from, to)
      return true
    } catch (error) {
      return isCode(error, 'EEXIST') ? false : unlessMissing(error, false)
    }
  },
  async unlink(path) {
    try {
      await io.unlink(path)
    } catch (error) {
      unlessMissing(error, undefined)
    }
  },
  syncDirectory,
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await io.open(path, constants.O_RDONLY)
  try {
    await io.fsync(directory)
  } finally {
    await io.close(directory)
  }
}

// A bare descriptor: unlike a FileHandle it may be left open when a store is dropped without being closed.
function fileOf(descriptor: number): FileLike {
  let isOpen = true
  return {
    status: async () => statusOf(await io.fstat(descriptor)),
    read: async (into, position) => (await io.read(descriptor, into, 0, into.length, position)).bytesRead,
    write: async (bytes, position) => (await io.write(descriptor, bytes, 0, bytes.length, position)).bytesWritten,
    datasync: () => io.fdatasync(descriptor),
    async close() {
      // Once only: the number may have passed to another file by then.
      if (isOpen) {
        isOpen = false
        await io.close(descriptor)
      }
    },
  }
}

function statusOf({ dev, ino, size }: { dev: number; ino: number; size: number }): FileStatus {
  return { identity: `${dev}:${ino}`, size }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function unlessMissing<T>(error: unknown, otherwise: T): T {
  if (isCode(error, 'ENOENT')) return otherwise
  throw error
}
