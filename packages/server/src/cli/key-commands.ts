import { adminKey } from '../admin-resources.ts'
import { sharedKeys } from '../open-signing-keys.ts'
import { confirmed } from './asking.ts'
import { type Command, defineCommand, json, reason, yes } from './command.ts'
import { type OperatorsAtHand, withOperators } from './operators.ts'
import { print, printOne } from './printing.ts'
import { endOfEverything } from './revoke-commands.ts'
import type { Terminal } from './terminal.ts'

const list = defineCommand({
  name: 'keys list',
  summary: 'show the signing keys in the database',
  about: `
Shows which key signs, which are published and wait for their turn, and which only verify until the last
token that they signed has expired. Needs KEY_ENCRYPTION_KEY.`,
  options: json,
  examples: ['keys list'],
  async run({ values }, terminal) {
    const keys = (await withKeys(terminal, ({ operators }) => operators.keys.list())).map(adminKey)
    const rows = keys.map(({ kid, alg, state, signs_from, expires_at }) => [
      kid,
      alg,
      state,
      signs_from,
      expires_at ?? '-',
    ])
    print(terminal, {
      json: values.json,
      value: keys,
      rows: [['KEY', 'ALG', 'STATE', 'SIGNS FROM', 'EXPIRES'], ...rows],
    })
  },
})

const rotate = defineCommand({
  name: 'keys rotate',
  summary: 'publish a new signing key, which takes its turn in some minutes',
  about: `
Publishes a new key at once. It signs from five and a half minutes later on, when everybody who goes by the
published keys has had the time to hear of it; the one before it verifies until its tokens have expired. No
instance has to be restarted, and no token is refused. The key is for SIGNING_ALG. Needs KEY_ENCRYPTION_KEY.`,
  options: { ...reason, ...json },
  examples: ['keys rotate'],
  async run({ values }, terminal) {
    const key = await withKeys(terminal, ({ operators, act }) => operators.keys.rotate(act(values.reason)))
    printOne(terminal, values.json, adminKey(key))
  },
})

const retire = defineCommand({
  name: 'keys retire',
  summary: 'take out a key that others know, and log everybody out',
  about: `
For a key that has come into other hands: revokes every token there is, takes the key out, and where it was
the one that signs puts a new one in its place at once. Every instance goes by it within two seconds.
Everybody has to log in again: says first how many sessions that ends, and asks. Needs KEY_ENCRYPTION_KEY.`,
  words: ['<key>'],
  options: { ...yes, ...reason },
  idWords: true,
  examples: ["keys retire 6Yw3gqJ6yqv0p5p7Zm1bqk0mXr8n2c4d5e6f7g8h9iA --reason 'it was in a public repository'"],
  async run({ values, positionals: [kid = ''] }, terminal) {
    await withKeys(terminal, async ({ operators, act, config, backends }) => {
      const why = act(values.reason)
      // Nobody should be asked about a key that there is not.
      await sharedKeys(config, backends.database).keys.check(kid)
      await confirmed(terminal, { yes: values.yes, effect: () => endOfEverything({ operators }) })
      await operators.keys.retire(why, kid)
    })
  },
})

/** `rescind keys …` */
export const keyCommands: readonly Command[] = [list, rotate, retire]

function withKeys<T>(terminal: Terminal, work: (at: OperatorsAtHand) => Promise<T>): Promise<T> {
  return withOperators(terminal, (at) => {
    // Throws what to do where there are none.
    sharedKeys(at.config, at.backends.database)
    return work(at)
  })
}
