import { randomBytes } from 'node:crypto'
import { RescindError } from '../../base/errors.ts'
import type { Command, Outcome, Outcomes, Verb } from './commands.ts'
import { createCompaction } from './compaction.ts'
import type { FileSystemLike } from './file-system.ts'
import { encodeFrame } from './frame.ts'
import type { FileNames } from './names.ts'
import type { Applied, FileState } from './state.ts'
import { discard, type Successor } from './succession.ts'
import { createLogTail, MAX_ROUNDS, replacedTooOften } from './tail.ts'

/** The log, as the verbs use it. */
export interface FileLog {
  /** Writes a command, unless it would change nothing, and answers what became of it once that survives a power cut. */
  submit<V extends Verb>(command: Extract<Command, readonly [V, ...unknown[]]>): Promise<Outcomes[V]>
  /** Answers from a state that holds all that was acknowledged before, and nothing that a power cut could take back. */
  ask<T>(answer: (state: FileState) => T): Promise<T>
  /** Resolves when the log has grown, after `ms` milliseconds at the latest, or when the signal aborts. */
  changed(ms: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** What a log is made of. */
export interface FileLogParts {
  readonly names: FileNames
  readonly fileSystem: FileSystemLike
  readonly compactBytes: number
  readonly onWarning: (message: string) => void
}

interface Job {
  /** What it writes, or asks where there is nothing to write. */
  readonly command: { readonly is: Command; readonly json: string } | null
  readonly answer: (state: FileState) => unknown
  /** It has turned out to change something. */
  mustWrite: boolean
  /** Why it could not be written. */
  failure: { readonly error: unknown } | null
  /** What the log says has become of the command. */
  applied: Applied | null
  isDurable: boolean
  resolve(value: unknown): void
  reject(error: unknown): void
}

const WRITER_BYTES = 9

/** Makes a log that opens its files at the first verb. */
export function createFileLog({ names, fileSystem, compactBytes, onWarning }: FileLogParts): FileLog {
  const writer = randomBytes(WRITER_BYTES).toString('base64url')
  const seal = encodeFrame(JSON.stringify({ seal: writer }))
  const waiters = new Set<() => void>()
  let queue: Job[] = []
  let inFlight: { readonly batch: number; readonly jobs: readonly Job[] } = { batch: 0, jobs: [] }
  let running: Promise<void> | null = null
  let isClosed = false

  const tail = createLogTail({
    names,
    fileSystem,
    writer,
    onWarning,
    onBatch(by, batch, applied) {
      if (by !== writer || batch !== inFlight.batch) return
      for (const [n, job] of inFlight.jobs.entries()) job.applied = applied[n] ?? null
    },
  })
  const compaction = createCompaction({ names, fileSystem, compactBytes, onWarning, tail, onReady: () => wake() })

  const needsWriting = (job: Job): boolean => {
    try {
      return job.command !== null && (job.mustWrite || !tail.state.isIdle(job.command.is))
    } catch (error) {
      // It makes no sense, and is not worth writing.
      job.failure = { error }
      return false
    }
  }

  /** Writes what waits, in one go; answers the error where that failed, for part of it may be in the log all the same. */
  const write = async (jobs: readonly Job[], isSealing: boolean): Promise<unknown> => {
    if (tail.segment.seal !== null) return null
    const frames: Buffer[] = []
    if (jobs.length > 0 && !tail.isSuspect) {
      inFlight = { batch: inFlight.batch + 1, jobs }
      const commands = jobs.map((job) => job.command?.json).join()
      frames.push(encodeFrame(`{"by":"${writer}","n":${inFlight.batch},"do":[${commands}]}`))
    }
    if (isSealing || tail.isSuspect) frames.push(seal)
    if (frames.length === 0) return null
    try {
      await tail.write(Buffer.concat(frames))
      return null
    } catch (error) {
      return error
    }
  }

  /** Brings the log's commands to where they are durable, and the state to the end of the log. */
  const serve = async (jobs: readonly Job[], prepared: Successor | null): Promise<void> => {
    let successor = prepared
    let waiting = jobs.filter(needsWriting)
    /** What was read is safe. */
    const acknowledge = () => {
      for (const job of jobs) if (job.applied !== null) job.isDurable = true
      waiting = waiting.filter((job) => job.applied === null)
    }
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const failure = await write(waiting, successor !== null)
      if (!(await tail.look())) {
        onWarning('the log was removed or replaced by another: what is at its path now is used')
        for (const job of waiting) job.applied = null
        await tail.close()
        await tail.open()
        continue
      }
      if (!tail.isSuspect) {
        await tail.sync()
        acknowledge()
      }
      if (tail.segment.seal === null) {
        const error = failure ?? new Error('what was written to the log cannot be read back')
        if (tail.isSuspect) throw error
        for (const job of waiting) job.failure = { error }
        return
      }
      await tail.advance(successor)
      successor = null
      acknowledge()
    }
    throw replacedTooOften(tail.segment.path)
  }

  const settle = (job: Job) => {
    const { command, applied, failure } = job
    if (applied !== null) {
      if ('failure' in applied) job.reject(applied.failure)
      else job.resolve(applied.outcome)
    } else if (failure !== null) {
      job.reject(failure.error)
    } else if (command === null || tail.state.isIdle(command.is)) {
      job.resolve(job.answer(tail.state))
    } else {
      job.mustWrite = true
      queue.push(job)
    }
  }

  const turn = async () => {
    const jobs = queue
    queue = []
    const prepared = compaction.take()
    try {
      await tail.open()
      const { last } = tail.state.records
      // After a failed sync the log's end is made anew from memory: what can be read there may be gone.
      const fits = !tail.isSuspect && prepared?.header.number === tail.segment.number + 1
      await serve(jobs, fits ? prepared : null)
      for (const job of jobs) attempt(job, () => settle(job))
      if (tail.state.records.last !== last) for (const waiter of waiters) waiter()
      compaction.consider()
    } catch (error) {
      for (const job of jobs) {
        if (job.isDurable) settle(job)
        else job.reject(error)
      }
    } finally {
      if (prepared !== null) await discard(fileSystem, prepared)
    }
  }

  const run = async () => {
    // All that is asked for in one go shares one turn.
    await Promise.resolve()
    while (queue.length > 0 || compaction.isReady) await turn()
    running = null
  }
  const wake = () => {
    running ??= run()
  }

  const enqueue = (command: Job['command'], answer: Job['answer']): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (isClosed) throw new RescindError('closed', 'The store is closed.')
      queue.push({ command, answer, mustWrite: false, failure: null, applied: null, isDurable: false, resolve, reject })
      wake()
    })

  return {
    async submit<V extends Verb>(command: Extract<Command, readonly [V, ...unknown[]]>) {
      // What cannot be written fails here, alone. And the outcome of what changes nothing is that of applying it.
      const json = JSON.stringify(command)
      const answer = (state: FileState) => outcomeOf(state.applyBatch([JSON.parse(json)], 0))
      return (await enqueue({ is: command, json }, answer)) as Outcomes[V]
    },
    ask: async <T>(answer: (state: FileState) => T) => (await enqueue(null, answer)) as T,
    changed: (ms, signal) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer)
          waiters.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        timer.unref()
        if (signal.aborted) return done()
        waiters.add(done)
        signal.addEventListener('abort', done)
      }),
    async close() {
      isClosed = true
      await running
      await compaction.stop()
      await tail.close()
      for (const waiter of waiters) waiter()
    },
  }
}

function outcomeOf([applied]: readonly Applied[]): Outcome {
  if (applied === undefined) throw new Error('no outcome')
  if ('failure' in applied) throw applied.failure
  return applied.outcome
}

function attempt(job: Job, work: () => void): void {
  try {
    work()
  } catch (error) {
    job.reject(error)
  }
}
