import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type HelpText, helpOf, usageOf } from './help.ts'
import type { Terminal } from './terminal.ts'

/** One word of the command line, or two. */
export interface Command {
  /** After `rescind`: `serve`, `client create`. */
  readonly name: string
  /** A few words, without a full stop. */
  readonly summary: string
  /** What `--help` shows: usage, options, examples. */
  readonly help: string
  run(args: readonly string[], terminal: Terminal): Promise<void>
}

/** A command line that nobody can make sense of. Answered with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What was asked for cannot be done, and why. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** An option, as it is read and as `--help` explains it. */
type OptionSpec = NonNullable<ParseArgsConfig['options']>[string] & {
  /** What follows it: `<name>`. */
  readonly value?: string
  /** What it does, in a few words. Further lines stand below. */
  readonly is: string
}

type Options = Readonly<Record<string, OptionSpec>>

/** What a command line says, in the types of its options. */
export type Given<Known extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Known; allowPositionals: true; strict: true }>
>

/** What a command is made of. */
export interface CommandSpec<Known extends Options> extends Omit<HelpText, 'options'> {
  readonly options: Known
  /** The words are ids, which may begin with a hyphen: what is no option of the command is a word then. */
  readonly idWords?: true
  run(given: Given<Known>, terminal: Terminal): Promise<void>
}

/** A command whose help and reading of words come from one description. */
export function defineCommand<const Known extends Options>(spec: CommandSpec<Known>): Command {
  return {
    name: spec.name,
    summary: spec.summary,
    help: helpOf(spec),
    async run(args, terminal) {
      await spec.run(read(spec, args), terminal)
    },
  }
}

/** The option that every command with something to show has. */
export const json = {
  json: { type: 'boolean', is: 'JSON in place of a table, as wherever standard output is no terminal' },
} as const

/** The options of an act that is written down. */
export const reason = {
  reason: { type: 'string', value: '<text>', is: 'why; it is kept in the audit log' },
} as const

/** The option of an act that asks before it is done. */
export const yes = {
  yes: { type: 'boolean', is: 'do it without asking; needed where nobody can be asked' },
} as const

/** Reads the options and words of a command line; `--help` is taken out before. Throws {@link UsageError}. */
function read<Known extends Options>(spec: CommandSpec<Known>, args: readonly string[]): Given<Known> {
  const given = parse(spec, spec.idWords === true ? wordsLast(args, spec.options) : args)
  const { words = [] } = spec
  // As of a variable of the shell that is not set.
  const empty = given.positionals.findIndex((word) => word.trim() === '')
  if (empty >= 0) throw new UsageError(`${words[empty] ?? 'a word'} is empty: ${usageOf(spec)}`)
  const missing = words[given.positionals.length]
  if (missing?.startsWith('<') === true) throw new UsageError(`${missing} is missing: ${usageOf(spec)}`)
  const extra = words.at(-1)?.endsWith('…') === true ? undefined : given.positionals[words.length]
  if (extra !== undefined) throw new UsageError(`nothing is known of ${JSON.stringify(extra)}: ${usageOf(spec)}`)
  return given
}

function parse<Known extends Options>(spec: CommandSpec<Known>, args: readonly string[]): Given<Known> {
  try {
    return parseArgs({ args: [...args], options: spec.options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(`${misreading(error)}; see rescind ${spec.name} --help`)
  }
}

/** What is wrong with the options, in one sentence: Node says it in several lines. */
function misreading(error: unknown): string {
  const { message } = error instanceof Error ? error : { message: 'the options cannot be read' }
  const [sentence = ''] = message.split(/\.?\n|\. /, 1)
  if (sentence.endsWith('ambiguous')) return `${sentence}: a value that begins with a hyphen is written --option=-value`
  if (sentence.startsWith('Unknown option')) return `${sentence}: a word that begins with a hyphen stands behind --`
  return sentence
}

/** The same with words that look like options behind `--`, where none is taken for an option. */
function wordsLast(args: readonly string[], options: Options): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const isOption = (arg: string) => /^--[^=]/.test(arg) && Object.hasOwn(options, arg.slice(2).split('=')[0] ?? '')
  const isStrange = (arg: string) => arg.startsWith('-') && arg !== '-' && !isOption(arg)
  const before = args.slice(0, end)
  return [...before.filter((arg) => !isStrange(arg)), '--', ...before.filter(isStrange), ...args.slice(end + 1)]
}
