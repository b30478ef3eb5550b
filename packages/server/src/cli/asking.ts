import { CommandFailure, UsageError } from './command.ts'
import { isInteractive, showable, type Terminal, tell } from './terminal.ts'

/** What is about to happen, and whether it was agreed to beforehand. */
export interface Confirmation {
  /** True where `--yes` was given. */
  readonly yes: boolean | undefined
  /** What it does, without a full stop: `this ends 12 live sessions`. Not asked for where nobody reads it. */
  readonly effect: () => Promise<string>
}

/** Resolves where it may be done: it was agreed to beforehand, or is now. Says first what it does. */
export async function confirmed(terminal: Terminal, { yes, effect }: Confirmation): Promise<void> {
  if (yes === true) return
  const told = await effect()
  if (!isInteractive(terminal)) {
    throw new UsageError(`${told}; nobody can be asked here: add --yes to do it`)
  }
  tell(terminal, told)
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: 'Do it?',
    initialValue: false,
    input: terminal.stdin,
    output: terminal.stderr,
  })
  if (answer !== true) throw new CommandFailure('nothing was done')
}

/** What is asked for, and where it may come from besides. */
export interface SecretQuestion {
  /** `Password of ada@example.com`. */
  readonly message: string
  /** Asked twice on a terminal, so that a slip of the finger does not become the password. */
  readonly twice?: true
  /** True where nobody is to be asked: `--password-stdin`. */
  readonly fromStdin?: boolean | undefined
}

// The longest token that is read has 8 KiB.
const MAX_SECRET_BYTES = 16_384

/**
 * A secret: asked for on a terminal without showing it, else the first line of standard input. It is never an argument,
 * since everybody on the machine can read those.
 */
export async function askSecret(terminal: Terminal, question: SecretQuestion): Promise<string> {
  const { message, twice, fromStdin } = question
  if (fromStdin === true || !isInteractive(terminal)) {
    // It would be typed for everybody to see.
    if (terminal.stdin.isTTY === true) {
      throw new UsageError(`standard input is a terminal; it may be a file or a pipe with the ${message}`)
    }
    return firstLine(terminal, message)
  }
  const first = await hidden(terminal, message)
  if (twice === true && (await hidden(terminal, `${message}, once more`)) !== first) {
    throw new CommandFailure('the two are not the same: nothing was done, say it again')
  }
  return first
}

async function hidden({ stdin, stderr }: Terminal, message: string): Promise<string> {
  const { password } = await import('@clack/prompts')
  const answer = await password({ message: showable(message), input: stdin, output: stderr })
  if (typeof answer !== 'string') throw new CommandFailure('nothing was done')
  return answer
}

async function firstLine({ stdin }: Terminal, message: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop closes the stream: the rest of it keeps the process no longer.
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    if (bytes.includes(0x0a) || length > MAX_SECRET_BYTES) break
  }
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1)
  if (line === '') throw new UsageError(`standard input is empty; it may hold the ${message}`)
  if (length > MAX_SECRET_BYTES && line.length >= MAX_SECRET_BYTES) {
    throw new UsageError(`standard input has too long a line; it may hold the ${message}`)
  }
  return line
}
