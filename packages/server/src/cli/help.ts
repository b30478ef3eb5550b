import { table } from './table.ts'

/** What `--help` says of one command. */
export interface HelpText {
  /** After `rescind`: `client create`. */
  readonly name: string
  /** A few words, without a full stop. */
  readonly summary: string
  /** What it does: paragraphs with an empty line between them, in lines of any length. */
  readonly about: string
  /** What follows the name: `<id>` has to, `[id]` may; the last of them may end in `…` for any number. */
  readonly words?: readonly string[]
  readonly options: Readonly<Record<string, OptionText>>
  /** What may be typed after `rescind`. */
  readonly examples: readonly string[]
}

interface OptionText {
  readonly value?: string
  readonly multiple?: boolean | undefined
  readonly is: string
}

/** How a command is said: `rescind client delete <client id>`. */
export function usageOf({ name, words = [] }: Pick<HelpText, 'name' | 'words'>): string {
  return ['rescind', name, ...words].join(' ')
}

/** The whole help of a command. */
export function helpOf(text: HelpText): string {
  const rows = Object.entries(text.options).flatMap(([name, { value, multiple, is }]) => {
    const [first = '', ...further] = is.split('\n')
    const said = `  --${name}${value === undefined ? '' : ` ${value}`}${multiple === true ? ' …' : ''}`
    return [[said, first], ...further.map((line) => ['', line])]
  })
  const usage = `usage: ${usageOf(text)}${rows.length > 0 ? ' [options]' : ''}`
  const examples = text.examples.map((example) => `example: rescind ${example}`).join('\n')
  return [
    usage,
    ...paragraphsOf(text.about),
    ...(rows.length > 0 ? [table(rows).trimEnd()] : []),
    `${examples}\n`,
  ].join('\n\n')
}

const WIDTH = 110

/** The paragraphs, in lines that fit on a terminal. */
function paragraphsOf(about: string): readonly string[] {
  return about
    .trim()
    .split('\n\n')
    .map((paragraph) => {
      const lines: string[] = []
      for (const word of paragraph.split(/\s+/)) {
        const last = lines.at(-1)
        if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(word)
        else lines[lines.length - 1] = `${last} ${word}`
      }
      return lines.join('\n')
    })
}

/** What `--help` says of several commands: all there are, or those of a group. */
export function overviewOf(commands: readonly Pick<HelpText, 'name' | 'summary'>[]): string {
  return table(commands.map(({ name, summary }) => [`  rescind ${name}`, summary]))
}
