import { createReadStream, statSync } from 'node:fs'
import { RescindError } from 'rescind'
import { z } from 'zod'
import type { ImportedAccount } from '../services/account-administration.ts'
import { parseEmailAddress } from '../services/email-address.ts'
import { describeFailure } from '../storage-failure.ts'
import { CommandFailure, defineCommand, json, reason } from './command.ts'
import { type Line, linesOf } from './lines.ts'
import { type OperatorsAtHand, withOperators } from './operators.ts'
import { printOne } from './printing.ts'
import { showProgress } from './progress.ts'
import { type Terminal, tell } from './terminal.ts'

const MAX_LINE_BYTES = 16_384
/** A wrong file should not fill the screen. */
const MAX_REPORTS = 100

// Strict: a member that is not known could have been meant to matter, as `roles` or `locked`.
const account = z.strictObject({
  type: z.literal('user').optional(),
  email: z.string().max(512),
  password_hash: z.string().max(512),
  email_verified: z.boolean().optional(),
  // What names of accounts have to be: they are in tokens, headers and URLs.
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/, 'may have 1 to 100 characters of ASCII, without spaces')
    .optional(),
  admin: z.boolean().optional(),
  registered_at: z.iso.datetime({ offset: true }).optional(),
  disabled_at: z.iso.datetime({ offset: true }).nullable().optional(),
})

/** `rescind user import`: takes over the accounts of another system. */
export const importUsers = defineCommand({
  name: 'user import',
  summary: 'take over accounts of another system, with their hashes',
  about: `
Reads one JSON object a line: email and password_hash (Argon2, bcrypt, or Werkzeug's pbkdf2: and scrypt:), and
where they are known email_verified (true where it is left out), id, registered_at and disabled_at (RFC 3339), and
admin. It is what rescind export --only users --with-password-hashes writes. The next login of each replaces the
hash. A line that cannot be used is told by its number and left out, and the exit code is 1; an
address that is taken counts as already there, so a file may be read again. A line has up to 16 KiB.`,
  words: ['<file or ->'],
  options: {
    'with-admins': {
      type: 'boolean',
      is: 'accounts with "admin": true become operators; else such lines are left out',
    },
    ...reason,
    ...json,
  },
  examples: ['user import accounts.jsonl', 'user import - < accounts.jsonl'],
  async run({ values, positionals: [file = ''] }, terminal) {
    const { reason: why, 'with-admins': withAdmins = false } = values
    const wish = { source: open(file, terminal), reason: why, withAdmins }
    const counts = await withOperators(terminal, (at) => importAll(terminal, at, wish))
    printOne(terminal, values.json, counts)
    if (counts.failed > 0) {
      throw new CommandFailure(`${counts.failed} lines were left out: mend them and read the file again`)
    }
  },
})

interface Source {
  readonly stream: AsyncIterable<Buffer | string>
  /** `null` where nobody knows. */
  readonly bytes: number | null
}

interface ImportWish {
  readonly source: Source
  readonly reason: string | undefined
  readonly withAdmins: boolean
}

function open(file: string, { stdin }: Terminal): Source {
  if (file === '-') return { stream: stdin, bytes: null }
  try {
    const about = statSync(file)
    if (about.isDirectory()) throw new Error('it is a directory')
    return { stream: createReadStream(file), bytes: about.isFile() ? about.size : null }
  } catch (error) {
    throw new CommandFailure(
      `${file} cannot be read: ${describeFailure(error).message}; name a file, or - for standard input`,
    )
  }
}

async function importAll(
  terminal: Terminal,
  { operators, act, backends: { database } }: OperatorsAtHand,
  { source, reason: why, withAdmins }: ImportWish,
) {
  const counts = { imported: 0, already_there: 0, failed: 0 }
  const importing = act(why)
  const progress = showProgress(terminal, 'accounts')
  const failed = (number: number, problem: string) => {
    counts.failed += 1
    progress.end()
    if (counts.failed <= MAX_REPORTS) tell(terminal, `line ${number}: ${problem}`)
    if (counts.failed === MAX_REPORTS) tell(terminal, 'further lines that cannot be used are only counted')
  }
  const importOne = async (read: ImportedAccount): Promise<'imported' | 'email_taken'> => {
    const email = parseEmailAddress(read.email)
    // A file that is read again should not fill the audit log with acts that change nothing.
    if (email !== null && (await database.users.byEmailKey(email.key)) !== null) return 'email_taken'
    return operators.users.import(importing, read)
  }
  let done = 0
  try {
    for await (const line of linesOf(source.stream, MAX_LINE_BYTES)) {
      if (line.text?.trim() === '') continue
      const read = readAccount(line, withAdmins)
      if (typeof read === 'string') failed(line.number, read)
      else {
        const outcome = await importOne(read).catch((error: unknown) => refusal(error, line))
        if (outcome === 'imported') counts.imported += 1
        else if (outcome === 'email_taken') counts.already_there += 1
        else failed(line.number, outcome.problem)
      }
      done += 1
      progress.at(done, source.bytes === null ? undefined : line.bytesRead / source.bytes)
    }
  } catch (error) {
    throw isReadFailure(error)
      ? new CommandFailure(`the file cannot be read: ${describeFailure(error).message}`)
      : error
  } finally {
    progress.end()
  }
  return counts
}

/** The account of a line, or what is wrong with it. Nothing of the line is repeated: it holds a hash. */
function readAccount({ text }: Line, withAdmins: boolean): ImportedAccount | string {
  if (text === null) return `it is longer than ${MAX_LINE_BYTES} bytes, or not UTF-8`
  const value = parsed(text)
  if (value === undefined) return 'it is not JSON'
  const result = account.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    const place = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
    return `${place}${issue?.message ?? 'it cannot be used'}`
  }
  const { email, password_hash: passwordHash, email_verified: emailVerified, id, admin = false } = result.data
  const { registered_at: registeredAt, disabled_at: disabledAt } = result.data
  // Whoever wrote the file may be somebody else than who reads it.
  if (admin && !withAdmins) return 'admin: it is true; add --with-admins where this account shall be an operator'
  return {
    email,
    passwordHash,
    admin,
    ...(emailVerified === undefined ? {} : { emailVerified }),
    ...(id === undefined ? {} : { id }),
    ...(registeredAt === undefined ? {} : { registeredAtMs: Date.parse(registeredAt) }),
    disabledAtMs: typeof disabledAt === 'string' ? Date.parse(disabledAt) : null,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What is wrong with one account; any other failure would meet the next one too, and ends the work. */
function refusal(error: unknown, { number }: Line): { readonly problem: string } {
  if (!(error instanceof RescindError)) throw error
  if (error.code === 'invalid_request') return { problem: error.message }
  const reason = error.cause === undefined ? error.message : describeFailure(error.cause).message
  throw new CommandFailure(`stopped at line ${number}: ${reason}; what came before it is there, read the file again`)
}

function isReadFailure(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
