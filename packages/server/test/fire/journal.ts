import { readFileSync, writeFileSync } from 'node:fs'

/** What users and operators do to the service. */
export type ActName =
  | 'register'
  | 'login'
  | 'status'
  | 'verify'
  | 'refresh'
  | 'logout'
  | 'endSession'
  | 'endOthers'
  | 'endAll'
  | 'changePassword'
  | 'forgotPassword'
  | 'resetPassword'
  | 'disable'
  | 'enable'

/** Tokens that an answer gave, by number. The same text has the same number wherever it turns up. */
export interface GivenTokens {
  readonly session: number
  readonly access: number
  readonly refresh: number
  /** When the access token expires, in the time of the run. */
  readonly accessExpiresMs: number
}

/**
 * One request and its answer, as whoever made it saw them. Times are milliseconds since the run began, on one clock. It
 * holds no token, no password and no address: they are told apart by numbers.
 */
export interface ActRecord {
  readonly id: number
  readonly user: number
  readonly act: ActName
  readonly node: string
  /** Before the first byte was sent. */
  readonly startMs: number
  /** After the last byte was received, or nothing more was to be expected. */
  readonly endMs: number
  /** The token shown. */
  readonly token: number | null
  /** The session that `endSession` named. */
  readonly target: number | null
  /** The password tried by `login`, set by `register`, `changePassword` and `resetPassword`. */
  readonly password: number | null
  /** The mailed link shown by `resetPassword`. */
  readonly link: number | null
  /** `null`: there was no answer. */
  readonly status: number | null
  readonly code: string | null
  readonly gave: GivenTokens | null
}

/** Something that was broken, from when until when; `node: null` where it concerns them all. */
export interface FaultRecord {
  readonly what: string
  readonly node: string | null
  readonly startMs: number
  readonly endMs: number
}

/** What has to be known of a run to judge it. */
export interface RunFacts {
  readonly seed: number
  readonly users: number
  readonly seconds: number
  /** Which deliberately broken build ran, if any. */
  readonly sabotage: string | null
  /** How long after an acknowledged act each node may still answer as before it: its `maxStaleness`. */
  readonly allowanceMs: Readonly<Record<string, number>>
  /** For how long the parent of a refresh token is answered with the same successor. */
  readonly graceMs: number
  /** How soon after a fault everything has to work again. */
  readonly recoveryMs: number
}

/** All that happened in a run. */
export interface Journal {
  readonly facts: RunFacts
  readonly acts: readonly ActRecord[]
  readonly faults: readonly FaultRecord[]
}

/** Writes one JSON document a line: the facts, the faults, then every act. */
export function writeJournal(path: string, { facts, acts, faults }: Journal): void {
  const lines = [{ facts }, ...faults.map((fault) => ({ fault })), ...acts.map((act) => ({ act }))]
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

/** Reads what {@link writeJournal} wrote. */
export function readJournal(path: string): Journal {
  let facts: RunFacts | undefined
  const acts: ActRecord[] = []
  const faults: FaultRecord[] = []
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue
    const line = JSON.parse(text) as { facts?: RunFacts; act?: ActRecord; fault?: FaultRecord }
    if (line.facts !== undefined) facts = line.facts
    if (line.act !== undefined) acts.push(line.act)
    if (line.fault !== undefined) faults.push(line.fault)
  }
  if (facts === undefined) throw new Error(`${path} is not a journal: it has no line of facts`)
  return { facts, acts, faults }
}
