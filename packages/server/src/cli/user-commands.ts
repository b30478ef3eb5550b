import { adminUser } from '../admin-resources.ts'
import { parseEmailAddress } from '../services/email-address.ts'
import { askSecret } from './asking.ts'
import { type Command, defineCommand, json, reason, UsageError } from './command.ts'
import { limit, printListing } from './listing.ts'
import { pagesOf, userIdOf, withOperators } from './operators.ts'
import { printOne } from './printing.ts'
import { importUsers } from './user-import-command.ts'

const create = defineCommand({
  name: 'user create',
  summary: 'make an account',
  about: `
Makes an account whose address counts as verified. The password is asked for without showing it; where nobody can be
asked, it is the first line of standard input. It has to be as hard to guess as any other.`,
  options: {
    email: { type: 'string', value: '<address>', is: 'the e-mail address to log in with' },
    admin: { type: 'boolean', is: 'an operator, who may use the routes under /admin' },
    'password-stdin': { type: 'boolean', is: 'take the first line of standard input, and never ask' },
    ...reason,
    ...json,
  },
  examples: ['user create --email ada@example.com --admin', 'user create --email ada@example.com < password-file'],
  async run({ values }, terminal) {
    const { email, admin = false } = values
    if (email === undefined || parseEmailAddress(email) === null) {
      throw new UsageError('say the address: --email ada@example.com')
    }
    const user = await withOperators(terminal, async ({ operators, act }) => {
      const why = act(values.reason)
      const password = await askSecret(terminal, {
        message: `password of ${email}`,
        twice: true,
        fromStdin: values['password-stdin'],
      })
      return operators.users.create(why, { email, password, admin })
    })
    printOne(terminal, values.json, adminUser(user))
  },
})

const list = defineCommand({
  name: 'user list',
  summary: 'show accounts, newest first',
  about: 'Shows accounts, those that registered last first.',
  options: {
    query: { type: 'string', value: '<text>', is: 'only those with this in their e-mail address, or with this id' },
    ...limit,
    ...json,
  },
  examples: ['user list --query @example.com', 'user list --limit 1000 --json'],
  async run({ values }, terminal) {
    await withOperators(terminal, ({ operators }) => {
      const { query } = values
      const pages = pagesOf((page) => operators.users.list({ query, ...page }))
      return printListing(terminal, { pages, shown: adminUser, values })
    })
  },
})

const disable = defineCommand({
  name: 'user disable',
  summary: 'let nobody enter an account, and end its sessions',
  about: `
Nobody can enter the account any more, and all its tokens are dead, in every running service. The last administrator
who can enter cannot be disabled.`,
  words: ['<user>'],
  options: reason,
  examples: ["user disable ada@example.com --reason 'left the company'"],
  async run({ values, positionals: [word = ''] }, terminal) {
    await withOperators(terminal, async ({ operators, act }) => {
      const why = act(values.reason)
      await operators.users.disable(why, await userIdOf(operators, word))
    })
  },
})

const enable = defineCommand({
  name: 'user enable',
  summary: 'let the owner of an account in again',
  about: 'Its owner can log in again. The sessions that were ended stay ended.',
  words: ['<user>'],
  options: reason,
  examples: ['user enable ada@example.com'],
  async run({ values, positionals: [word = ''] }, terminal) {
    await withOperators(terminal, async ({ operators, act }) => {
      const why = act(values.reason)
      await operators.users.enable(why, await userIdOf(operators, word))
    })
  },
})

/** `rescind user …` */
export const userCommands: readonly Command[] = [create, list, disable, enable, importUsers]
