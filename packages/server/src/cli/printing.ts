import { once } from 'node:events'
import { describeFailure } from '../storage-failure.ts'
import { CommandFailure } from './command.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Something to show, in the one form or the other. */
export interface Shown {
  /** True where `--json` was given. */
  readonly json: boolean | undefined
  readonly value: unknown
  /** For people: a table, or text that is laid out already. */
  readonly rows?: readonly (readonly string[])[]
  readonly text?: string
}

/** Shows a table on a terminal, and JSON where it was asked for or where a program reads. */
export function print(terminal: Terminal, { json, value, rows = [], text = table(rows) }: Shown): void {
  terminal.stdout.write(showsJson(terminal, json) ? jsonLine(value) : text)
}

/** Whether JSON is shown, in place of what people read. */
export function showsJson({ stdout }: Terminal, json: boolean | undefined): boolean {
  return json === true || stdout.isTTY !== true
}

/** The same for one thing: the names of its members stand before their values. */
export function printOne(terminal: Terminal, json: boolean | undefined, value: Readonly<Record<string, unknown>>) {
  const rows = Object.entries(value).map(([name, member]) => [name, cell(member)])
  print(terminal, { json, value, rows })
}

/** The same for many: each is a row, below the names of what they have in common. */
export function printAll(
  terminal: Terminal,
  json: boolean | undefined,
  values: readonly Readonly<Record<string, unknown>>[],
): void {
  const [first] = values
  const heading = Object.keys(first ?? {}).map((name) => name.replaceAll('_', ' ').toUpperCase())
  const rows = values.map((value) => Object.values(value).map(cell))
  print(terminal, { json, value: values, rows: first === undefined ? [['(none)']] : [heading, ...rows] })
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return String(value)
}

// JSON leaves these as they are, and a terminal obeys some of them.
const UNESCAPED = /[\u007f-\u009f\u2028\u2029]/g

/** One line of JSON. */
function jsonLine(value: unknown): string {
  const text = JSON.stringify(value)
  return `${text.replace(UNESCAPED, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

/** Writes one of very many lines, no faster than they are read. Rejects once nobody reads them any more. */
export async function writeLine({ stdout }: Terminal, value: unknown): Promise<void> {
  if (!stdout.destroyed && stdout.write(jsonLine(value))) return
  const settled = new AbortController()
  const { signal } = settled
  try {
    // A reader that goes away makes no more room, and nobody would say so.
    if (!stdout.destroyed) await Promise.race([once(stdout, 'drain', { signal }), once(stdout, 'close', { signal })])
  } catch (cause) {
    throw unwritten(cause)
  } finally {
    settled.abort()
  }
  if (stdout.destroyed) throw unwritten(stdout.errored)
}

/**
 * Does what shows something, and resolves once all of that is written. Rejects where it cannot be, as on a full disk: what
 * is shown once would be lost, and nobody would know. A reader that has gone has seen what it wanted.
 */
export async function whollyShown({ stdout }: Terminal, work: () => Promise<void>): Promise<void> {
  let failure: Error | null = null
  // Heard as it happens: the standard output of a process forgets it.
  const hear = (error: Error) => {
    failure ??= error
  }
  stdout.on('error', hear)
  try {
    await work()
    await new Promise<unknown>((resolve) => stdout.write('', resolve))
    if (failure !== null && !isBrokenPipe(failure)) throw unwritten(failure)
  } finally {
    stdout.off('error', hear)
  }
}

function unwritten(cause: unknown): CommandFailure {
  if (cause === null || isBrokenPipe(cause)) return new CommandFailure('nobody reads the output any more')
  return new CommandFailure(`the output cannot be written: ${describeFailure(cause).message}`)
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/** A time as it is shown. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}
