import { inspect } from 'node:util'
import { RescindError } from 'rescind'
import { ConfigError } from '../config.ts'
import { ownVersion } from '../own-version.ts'
import { InvalidBodyError } from '../problems.ts'
import { describeFailure } from '../storage-failure.ts'
import { clientCommands } from './client-commands.ts'
import { type Command, CommandFailure, defineCommand, UsageError } from './command.ts'
import { doctor } from './doctor/command.ts'
import { exportAll } from './export-command.ts'
import { overviewOf } from './help.ts'
import { keyCommands } from './key-commands.ts'
import { migrateCommands, migrateStatus } from './migrate-commands.ts'
import { whollyShown } from './printing.ts'
import { prune } from './prune-command.ts'
import { revokeCommands } from './revoke-commands.ts'
import { serve } from './serve.ts'
import { sessionCommands } from './session-commands.ts'
import { type Terminal, tell } from './terminal.ts'
import { userCommands } from './user-commands.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Every command, in the order in which they are explained. */
const commands: readonly Command[] = [
  serve,
  ...migrateCommands,
  doctor,
  ...userCommands,
  ...clientCommands,
  ...sessionCommands,
  ...revokeCommands,
  ...keyCommands,
  prune,
  exportAll,
]

/** Not among the commands: it is named as an option, as programs are commonly asked. */
const version = defineCommand({
  name: '--version',
  summary: 'show the version',
  about: 'Shows the version of this program.',
  options: {},
  examples: ['--version'],
  async run(_given, { stdout }) {
    stdout.write(`${ownVersion()}\n`)
  },
})

/** What the first word of several commands does alone, where that can do no harm. */
const alone: Readonly<Record<string, Command>> = { migrate: migrateStatus }

/**
 * Runs what a command line asks for, and answers the exit code: 0 where it was done, 1 where it failed, 2 where nobody can
 * tell what was meant. `serve` is what runs without a word.
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const { command, rest } = findCommand(args)
    // The service goes on whoever reads its output.
    if (command === serve && !asksForHelp(rest)) await serve.run(rest, terminal)
    else await whollyShown(terminal, () => show(command, rest, terminal))
    return 0
  } catch (error) {
    return exitCodeOf(error, terminal)
  }
}

async function show(command: Command | null, rest: readonly string[], terminal: Terminal): Promise<void> {
  if (command === null) terminal.stdout.write(helpFor(rest))
  else if (asksForHelp(rest)) terminal.stdout.write(command.help)
  else await command.run(rest, terminal)
}

/** The command whose words come first, and what follows them; none where help is asked for, about a group or them all. */
function findCommand(args: readonly string[]): { command: Command | null; rest: readonly string[] } {
  const [first, ...others] = args
  if (first === undefined) return { command: serve, rest: [] }
  if (first === '--version') return { command: version, rest: others }
  if (asksForHelp([first])) return { command: null, rest: [] }
  // `rescind help user create` is `rescind user create --help`.
  if (first === 'help') return others.length === 0 ? { command: null, rest: [] } : findCommand([...others, '--help'])
  for (const command of commands) {
    const words = command.name.split(' ')
    if (words.every((word, at) => args[at] === word)) return { command, rest: args.slice(words.length) }
  }
  const siblings = groupOf(first)
  if (siblings.length === 0) throw new UsageError(`there is no command ${JSON.stringify(first)}; see rescind --help`)
  if (asksForHelp(others)) return { command: null, rest: [first] }
  const command = Object.hasOwn(alone, first) ? alone[first] : undefined
  if (command !== undefined && (others[0]?.startsWith('-') ?? true)) return { command, rest: others }
  throw new UsageError(`say one of: ${siblings.map(({ name }) => `rescind ${name}`).join(', ')}`)
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

function groupOf(word: string): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `))
}

function helpFor([group]: readonly string[]): string {
  if (group !== undefined) {
    return `${overviewOf(groupOf(group))}
Each has a --help of its own, with examples.
`
  }
  return `rescind issues, checks and revokes tokens.

${overviewOf(commands)}
Each has a --help of its own, with examples; --version shows the version. The configuration is read from the
environment and from .env.
What is shown is a table on a terminal, and JSON with --json or where a program reads it.
Exit codes: 0 done, 1 failed, 2 not understood; doctor has one more.
`
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  if (error instanceof UsageError) {
    tell(terminal, error.message)
    return EXIT_USAGE
  }
  // One line for what the operator can mend; anything else is a fault, and its stack is what a report needs.
  const isKnown = [ConfigError, CommandFailure, RescindError].some((kind) => error instanceof kind)
  if (isKnown && error instanceof Error) tell(terminal, `${error.message}${reasonOf(error)}`)
  else terminal.stderr.write(`${inspect(error)}\n`)
  return error instanceof CommandFailure ? error.exitCode : EXIT_FAILED
}

/** Why a store did not answer, or which field is wrong: the one at the command line is the one who can mend it. */
function reasonOf(error: Error): string {
  if (error instanceof InvalidBodyError) {
    return ` ${error.errors.map(({ path, message }) => `${path}: ${message}`).join('; ')}`
  }
  const { cause } = error
  return cause === undefined ? '' : ` (${describeFailure(cause).message})`
}
