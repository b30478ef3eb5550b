import { withAccountsDatabase } from './accounts-database.ts'
import { confirmed } from './asking.ts'
import { type Command, CommandFailure, defineCommand, json, yes } from './command.ts'
import { printAll, timestamp } from './printing.ts'
import { type MigrationStep, migrateDown, schemaSteps } from './schema.ts'
import { configurationOf } from './stores.ts'

/** `rescind migrate status`, which `rescind migrate` does too. */
export const migrateStatus: Command = defineCommand({
  name: 'migrate status',
  summary: "show the steps of the database's schema (what rescind migrate does alone)",
  about: `
Shows which steps were applied to the accounts' database, and which are yet to be. It changes nothing, and makes no
database where there is none.`,
  options: json,
  examples: ['migrate', 'migrate status --json'],
  async run({ values }, terminal) {
    printAll(terminal, values.json, (await schemaSteps(configurationOf(terminal))).map(shown))
  },
})

const up = defineCommand({
  name: 'migrate up',
  summary: 'bring the schema of the database up to date',
  about: `
Applies the steps that are yet to be applied, as every start of the service does, and shows the schema then. Of
several that do so at once, one does and the others wait.`,
  options: json,
  examples: ['migrate up'],
  async run({ values }, terminal) {
    // To open it is to bring it up to date.
    await withAccountsDatabase(terminal, async () => {})
    printAll(terminal, values.json, (await schemaSteps(configurationOf(terminal))).map(shown))
  },
})

const down = defineCommand({
  name: 'migrate down',
  summary: 'take the last step of the schema back, with the data in it',
  about: `
Takes back the step that was applied last, for going back to an older version: stop every service first, since the
next start of this version applies it again. What the step's tables and columns hold is lost, so make a backup. Says
which step it is, and asks.`,
  options: { ...yes, ...json },
  examples: ['migrate down', 'migrate down --yes'],
  async run({ values }, terminal) {
    const config = configurationOf(terminal)
    const steps = await schemaSteps(config)
    const newer = steps.find(({ isKnown }) => !isKnown)
    if (newer !== undefined) {
      throw new CommandFailure(`a newer version has applied ${newer.name}: take it back with that version`)
    }
    const last = steps.findLast(({ appliedAtMs }) => appliedAtMs !== null)
    if (last === undefined) throw new CommandFailure('no step was applied: there is nothing to take back')
    const effect = `this takes back ${last.name}, and all that its tables and columns hold is lost`
    await confirmed(terminal, { yes: values.yes, effect: async () => effect })
    if ((await migrateDown(config, last.name)) === 'changed') {
      throw new CommandFailure('the schema has changed meanwhile: look at it, and say it again')
    }
    printAll(terminal, values.json, (await schemaSteps(config)).map(shown))
  },
})

/** `rescind migrate …` */
export const migrateCommands: readonly Command[] = [migrateStatus, up, down]

function shown({ name, appliedAtMs, isKnown }: MigrationStep) {
  const state = appliedAtMs === null ? 'pending' : isKnown ? 'applied' : 'of a newer version'
  return { name, state, applied_at: appliedAtMs === null ? null : timestamp(appliedAtMs) }
}
