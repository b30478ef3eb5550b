import type { Readable, Writable } from 'node:stream'

/** What a command line runs in. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where `.env` is looked for. */
  readonly directory: string
  /** Who is logged in at the machine: acts are noted under this name. */
  readonly user: string
  readonly stdin: Readable & MaybeTty
  /** For what was asked for, and nothing else: it can be piped on. */
  readonly stdout: Writable & MaybeTty
  /** For what a person should know besides, questions and progress. */
  readonly stderr: Writable & MaybeTty
}

interface MaybeTty {
  readonly isTTY?: boolean | undefined
}

/** True where somebody sits there who can be asked. */
export function isInteractive({ stdin, stderr }: Terminal): boolean {
  return stdin.isTTY === true && stderr.isTTY === true
}

/** Tells a person something, on standard error. */
export function tell({ stderr }: Terminal, message: string): void {
  stderr.write(`rescind: ${showable(message)}\n`)
}

// Control characters, unpaired halves and what turns the direction of writing: they could move a cursor or forge a line.
const UNSHOWABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** The text without anything that a terminal would obey: some of it was chosen by strangers. */
export function showable(text: string): string {
  return text.replace(UNSHOWABLE, '\u{fffd}')
}
