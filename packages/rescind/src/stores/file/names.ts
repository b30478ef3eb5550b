import { randomUUID } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import type { FileSystemLike } from './file-system.ts'

/** The names of the log's files: `path.1`, `path.2`, …; the one with the highest number is the log's end. */
export interface FileNames {
  readonly directory: string
  of(number: number): string
  /** A name for making the file with this number under. */
  temporary(number: number): string
  survey(): Promise<Survey>
  /** Takes away what came before the file `number`. That file's own name must survive a power cut by now. */
  tidy(number: number): Promise<void>
}

/** What is there. */
export interface Survey {
  /** The highest number there is, 0 where there is none. */
  readonly newest: number
  /** The numbers of the files that somebody makes, or was making when it ended. */
  readonly inTheMaking: readonly number[]
}

/** Names the files of the log at `path`. */
export function createFileNames(path: string, fileSystem: FileSystemLike): FileNames {
  const directory = dirname(path)
  const prefix = `${basename(path)}.`

  const list = async () => {
    const finished: number[] = []
    const unfinished: { number: number; name: string }[] = []
    for (const name of await fileSystem.list(directory)) {
      const [, digits, temporary] = /^(\d{1,15})(\.[0-9a-f-]{36}\.tmp)?$/.exec(restOf(name, prefix)) ?? []
      if (digits === undefined) continue
      if (temporary === undefined) finished.push(Number(digits))
      else unfinished.push({ number: Number(digits), name })
    }
    return { finished, unfinished }
  }

  const names: FileNames = {
    directory,
    of: (number) => join(directory, `${prefix}${number}`),
    temporary: (number) => join(directory, `${prefix}${number}.${randomUUID()}.tmp`),
    async survey() {
      const { finished, unfinished } = await list()
      return { newest: Math.max(0, ...finished), inTheMaking: unfinished.map((file) => file.number) }
    },
    async tidy(number) {
      const { finished, unfinished } = await list()
      for (const file of unfinished) if (file.number <= number) await fileSystem.unlink(join(directory, file.name))
      const older = finished.filter((each) => each < number).sort((a, b) => a - b)
      for (const each of older) await fileSystem.unlink(names.of(each))
    },
  }
  return names
}

function restOf(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : ''
}
