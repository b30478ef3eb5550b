import type { Session } from 'rescind/wire'
import { sessionResource } from '../resources.ts'
import { type Command, defineCommand, json, reason } from './command.ts'
import { limit, printListing } from './listing.ts'
import { pagesOf, userIdOf, withOperators } from './operators.ts'

const list = defineCommand({
  name: 'session list',
  summary: 'show where a user is logged in',
  about: 'Shows the live sessions of a user, the newest first.',
  words: ['<user>'],
  options: { ...limit, ...json },
  examples: ['session list ada@example.com'],
  async run({ values, positionals: [word = ''] }, terminal) {
    await withOperators(terminal, async ({ operators, backends }) => {
      const sub = await userIdOf(operators, word)
      const pages = pagesOf(async (request) => {
        const { items, nextCursor } = await operators.sessions.list(sub, request)
        const lastUses = await backends.database.sessionUses.of(items.map(({ sid }) => sid))
        // No request is made here: none of them is the current one.
        return { items: items.map((session) => sessionResource(session, lastUses, undefined)), nextCursor }
      })
      return printListing(terminal, { pages, shown: (session) => ({ ...session }), inTable, values })
    })
  },
})

const revoke = defineCommand({
  name: 'session revoke',
  summary: 'end one session',
  about: `
Ends a live session: every token of it is dead, in every running service. For one that is not known here,
see rescind revoke session.`,
  words: ['<session id>'],
  options: reason,
  idWords: true,
  examples: ["session revoke 01a8f6c2-7f3e-7cc1-b1a5-0d2f6a1b9c3e --reason 'stolen laptop'"],
  async run({ values, positionals: [sid = ''] }, terminal) {
    await withOperators(terminal, async ({ operators, act }) => {
      await operators.sessions.end(act(values.reason), sid)
    })
  },
})

/** `rescind session …` */
export const sessionCommands: readonly Command[] = [list, revoke]

// The device says in two words what the user agent says in a line.
function inTable({ user_agent: _long, current: _never, ...rest }: Session) {
  return rest
}
