import type { RevocationKind } from 'rescind'
import { askSecret, confirmed } from './asking.ts'
import { type Command, defineCommand, reason, UsageError, yes } from './command.ts'
import { type OperatorsAtHand, userIdOf, withOperators } from './operators.ts'
import type { Terminal } from './terminal.ts'

const EVERYWHERE = `Every running service refuses it within milliseconds, and no later than REVOCATION_MAX_STALENESS;
after every restart too.`

const token = defineCommand({
  name: 'revoke token',
  summary: 'kill one token',
  about: `
Kills the token with this id (its claim jti). The other tokens of its session live on. ${EVERYWHERE}

For a whole token, say - and give it by standard input, or where it is asked for: as an argument, everybody on the
machine could read it.`,
  words: ['<token id or ->'],
  options: reason,
  idWords: true,
  examples: [
    'revoke token 01a8f6c2-7f3e-7cc1-b1a5-0d2f6a1b9c3e',
    "revoke token - --reason 'found in a log' < token-file",
  ],
  async run({ values, positionals: [word = ''] }, terminal) {
    const id = word === '-' ? idIn(await askSecret(terminal, { message: 'token' })) : word
    if (looksLikeToken(id)) throw new UsageError('this is a whole token: give it by standard input, to revoke token -')
    await revoke(terminal, { kind: 'token', id, why: values.reason })
  },
})

const session = defineCommand({
  name: 'revoke session',
  summary: 'kill every token of one login',
  about: `Kills every token with this session id (the claim sid), whether the session is known here or not. ${EVERYWHERE}`,
  words: ['<session id>'],
  options: reason,
  idWords: true,
  examples: ['revoke session 01a8f6c2-7f3e-7cc1-b1a5-0d2f6a1b9c3e'],
  run: ({ values, positionals: [id = ''] }, terminal) => revoke(terminal, { kind: 'session', id, why: values.reason }),
})

const subject = defineCommand({
  name: 'revoke subject',
  summary: 'log a user out everywhere',
  about: `
Kills every token of a user, by the e-mail address or the id (the claim sub). The user can log in again; see
rescind user disable for what prevents it. ${EVERYWHERE}`,
  words: ['<user>'],
  options: reason,
  idWords: true,
  examples: ["revoke subject ada@example.com --reason 'phished'"],
  async run({ values, positionals: [word = ''] }, terminal) {
    await withOperators(terminal, async ({ operators, act }) => {
      const why = act(values.reason)
      // An id that has no account here is revoked all the same: its tokens may be of another making.
      const id = word.includes('@') ? await userIdOf(operators, word) : word
      await operators.revocations.revoke(why, { kind: 'subject', id })
    })
  },
})

const everything = defineCommand({
  name: 'revoke everything',
  summary: 'log everybody out',
  about: `
The panic button: kills every token there is. Says first how many sessions it ends, and asks. Where a signing key has
come into other hands, use rescind keys retire, which does this too. ${EVERYWHERE}`,
  options: { ...yes, ...reason },
  examples: ["revoke everything --reason 'the backup was stolen'", "revoke everything --yes --reason 'drill'"],
  async run({ values }, terminal) {
    await withOperators(terminal, async ({ operators, act }) => {
      const why = act(values.reason)
      await confirmed(terminal, { yes: values.yes, effect: () => endOfEverything({ operators }) })
      await operators.revocations.revoke(why, { kind: 'everything' })
    })
  },
})

/** `rescind revoke …` */
export const revokeCommands: readonly Command[] = [token, session, subject, everything]

/** What the end of everything comes to, in words. */
export async function endOfEverything({ operators }: Pick<OperatorsAtHand, 'operators'>): Promise<string> {
  const { sessions } = await operators.revocations.preview({ kind: 'everything' })
  return `this logs everybody out: it ends ${sessions} live ${sessions === 1 ? 'session' : 'sessions'}`
}

function revoke(
  terminal: Terminal,
  { kind, id, why }: { kind: RevocationKind; id: string; why: string | undefined },
): Promise<void> {
  return withOperators(terminal, ({ operators, act }) => operators.revocations.revoke(act(why), { kind, id }))
}

function looksLikeToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)
}

/** The id that a token has by its own words. Whoever may revoke need not prove that it is genuine. */
function idIn(whole: string): string {
  const payload = looksLikeToken(whole.trim()) ? whole.trim().split('.')[1] : undefined
  const claims = payload === undefined ? null : parsed(Buffer.from(payload, 'base64url').toString())
  const jti = typeof claims === 'object' && claims !== null && 'jti' in claims ? claims.jti : undefined
  if (typeof jti === 'string' && jti !== '') return jti
  throw new UsageError('this is no token with an id; standard input may hold a signed JWT')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
