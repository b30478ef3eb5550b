import type { SessionRecord } from 'rescind'
import { deviceName } from '../services/device-name.ts'
import { type Command, defineCommand, json, reason } from './command.ts'
import { limit, printListing } from './listing.ts'
import { pagesOf, userIdOf, withOperators } from './operators.ts'
import { timestamp } from './printing.ts'

const list = defineCommand({
  name: 'session list',
  summary: 'show where a user is logged in',
  about: 'Shows the live sessions of a user, the newest first.',
  words: ['<user>'],
  options: { ...limit, ...json },
  examples: ['session list ada@example.com'],
  async run({ values, positionals: [word = ''] }, terminal) {
    await withOperators(terminal, async ({ operators }) => {
      const sub = await userIdOf(operators, word)
      const pages = pagesOf((page) => operators.sessions.list(sub, page))
      return printListing(terminal, { pages, shown, values })
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

function shown({ sid, createdAtMs, lastUsedAtMs, expiresAtMs, ip, userAgent }: SessionRecord) {
  return {
    id: sid,
    created_at: timestamp(createdAtMs),
    last_refreshed_at: timestamp(lastUsedAtMs),
    expires_at: timestamp(expiresAtMs),
    ip,
    device: deviceName(userAgent),
  }
}
