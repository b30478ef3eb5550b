import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { RescindError } from 'rescind'
import { createLimiter } from './limiter.ts'

/** How hard a password is to guess. */
export interface StrengthEstimate {
  readonly guesses: number
  /** What is wrong with it, and what would help: sentences for its owner; `null` where there is nothing to say. */
  readonly warning: string | null
  readonly suggestion: string | null
}

/** What is asked: the text, words that others connect with its owner, and how much is looked at in one go. */
export interface StrengthQuestion {
  readonly password: string
  readonly contextWords: readonly string[]
}

/** More characters than these are not looked at: the time it takes grows faster than the length. */
export const MAX_ESTIMATED_LENGTH = 32

// One question takes tens of milliseconds: as many can wait as are answered within the time for which a login waits.
const MAX_WAITING = 64
const MAX_WAIT_MS = 5_000
const MAX_HEAP_MB = 128

const require = createRequire(import.meta.url)

// As text, since a thread cannot be started from TypeScript and from what is built of it by one name. The default of 100
// substitutions lets one long password take a second; at 10 it is tens of milliseconds.
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { ZxcvbnFactory } = require(workerData.core)
const common = require(workerData.common)
const english = require(workerData.english)
const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary },
  graphs: common.adjacencyGraphs,
  translations: english.translations,
  maxLength: workerData.maxLength,
  l33tMaxSubstitutions: 10,
})
parentPort.on('message', ({ password, contextWords }) => {
  const { guesses, feedback } = estimator.check(password, contextWords)
  parentPort.postMessage({ guesses, warning: feedback.warning ?? null, suggestion: feedback.suggestions[0] ?? null })
})
`

function startThread(): Worker {
  const thread = new Worker(program, {
    eval: true,
    workerData: {
      core: require.resolve('@zxcvbn-ts/core'),
      common: require.resolve('@zxcvbn-ts/language-common'),
      english: require.resolve('@zxcvbn-ts/language-en'),
      maxLength: MAX_ESTIMATED_LENGTH,
    },
    // What a process is preloaded with, a tracer for one, is not for this thread; nor are the secrets of its environment.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  // It must not keep a process alive that has nothing else to do; while it is asked, it does (see below).
  thread.unref()
  return thread
}

/** The one thread. Where it ends while nobody asks, nobody would be answered any more, and its last error ends the process. */
function sharedThread(): Worker {
  if (thread !== null) return thread
  const started = startThread()
  started.on('error', () => {})
  started.on('exit', () => {
    if (thread === started) thread = null
  })
  thread = started
  return started
}

const limiter = createLimiter({ maxRunning: 1, maxWaiting: MAX_WAITING, maxWaitMs: MAX_WAIT_MS })
let thread: Worker | null = null

/**
 * Estimates in a thread of its own, started by the first question: a hostile password would otherwise hold everybody's
 * requests up for as long as it takes. Rejects with `overloaded` where too many wait, or the thread ends.
 */
export function estimateStrength(question: StrengthQuestion): Promise<StrengthEstimate> {
  return limiter.run(() => ask(question))
}

function ask(question: StrengthQuestion): Promise<StrengthEstimate> {
  const asked = sharedThread()
  return new Promise((resolve, reject) => {
    const answered = (estimate: StrengthEstimate) => {
      forget()
      resolve(estimate)
    }
    const ended = (cause: unknown) => {
      forget()
      // The next question starts another one.
      if (thread === asked) thread = null
      reject(new RescindError('overloaded', 'The password could not be looked at: try again.', { cause }))
    }
    const forget = () => {
      asked.off('message', answered).off('error', ended).off('exit', ended)
      asked.unref()
    }
    asked.on('message', answered).on('error', ended).on('exit', ended)
    asked.ref()
    asked.postMessage(question)
  })
}
