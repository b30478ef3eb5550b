import { systemClock } from 'rescind'
import type { ClientRecord } from '../repositories/clients.ts'
import { type ClientScope, type Clients, clientScopes, createClients } from '../services/clients.ts'
import { type AuditTrail, createAuditTrail } from '../services/operators/audit-trail.ts'
import { withAccountsDatabase } from './accounts-database.ts'
import { type Command, CommandFailure, defineCommand, json, reason, UsageError } from './command.ts'
import { actOf, readReason } from './operators.ts'
import { print, printOne, timestamp } from './printing.ts'
import { type Terminal, tell } from './terminal.ts'

// It is shown on terminals: nothing in it may move a cursor.
const NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u

/** What each scope is for, as the help says it. */
const scopeMeanings: Readonly<Record<ClientScope, string>> = {
  introspect: 'POST /oauth/introspect',
  'revocations:read': 'GET /revocations, POST /revocations/find',
  admin: 'the routes for operators, under /admin',
  metrics: 'GET /metrics',
}

const create = defineCommand({
  name: 'client create',
  summary: 'make credentials for a program; the secret is shown once',
  about: `
Makes an id and a secret for a program that asks the service for something. The secret is written to
standard output this once: what the service keeps cannot be turned back into it.`,
  options: {
    name: { type: 'string', value: '<name>', is: 'what you call the program' },
    scope: {
      type: 'string',
      multiple: true,
      value: '<scope>',
      is: `what it is allowed; may be given several times:\n${Object.entries(scopeMeanings)
        .map(([scope, meaning]) => `  ${scope.padEnd(17)}${meaning}`)
        .join('\n')}`,
    },
    ...reason,
    ...json,
  },
  examples: ['client create --name orders-api --scope introspect --scope revocations:read'],
  async run({ values }, terminal) {
    const wish = { name: readName(values.name), scopes: readScopes(values.scope ?? []) }
    const why = readReason(values.reason)
    const { client, secret } = await withClients(terminal, (clients, trail) =>
      trail.audited(actOf(terminal, why), { action: 'client.create' }, () => clients.create(wish)),
    )
    const { client_id, ...others } = resource(client)
    printOne(terminal, values.json, { client_id, client_secret: secret, ...others })
    tell(terminal, 'the secret is not shown again; keep it now')
  },
})

const list = defineCommand({
  name: 'client list',
  summary: 'show the programs that have credentials',
  about: 'Shows them without their secrets, which nobody can show any more.',
  options: json,
  examples: ['client list', 'client list --json'],
  async run({ values }, terminal) {
    const clients = (await withClients(terminal, (known) => known.list())).map(resource)
    const rows = clients.map(({ client_id, name, scopes, created_at }) => [client_id, name, String(scopes), created_at])
    print(terminal, {
      json: values.json,
      value: clients,
      rows: [['CLIENT ID', 'NAME', 'SCOPES', 'CREATED'], ...rows],
    })
  },
})

const remove = defineCommand({
  name: 'client delete',
  summary: 'take the credentials of a program away, at once',
  about: `
From now on every instance of the service refuses the client; a stream of revocations that it has open ends within
five minutes.`,
  words: ['<client id>'],
  options: reason,
  examples: ['client delete client_b4mQ1lUrtSaXQ0Wr'],
  async run({ values, positionals: [id = ''] }, terminal) {
    const act = actOf(terminal, readReason(values.reason))
    await withClients(terminal, async (clients, trail) => {
      // Nobody's deletion is no act, and an id that cannot be is not to be kept.
      if (!(await clients.list()).some((client) => client.id === id)) throw new CommandFailure('no client has this id')
      await trail.audited(act, { action: 'client.delete', target: { kind: 'client', id } }, () => clients.delete(id))
    })
  },
})

/** `rescind client …` */
export const clientCommands: readonly Command[] = [create, list, remove]

function withClients<T>(terminal: Terminal, work: (clients: Clients, trail: AuditTrail) => Promise<T>): Promise<T> {
  return withAccountsDatabase(terminal, (database) =>
    work(
      createClients({ records: database.clients, clock: systemClock }),
      createAuditTrail({ log: database.audit, clock: systemClock }),
    ),
  )
}

function resource({ id, name, scopes, createdAtMs }: ClientRecord) {
  return { client_id: id, name, scopes, created_at: timestamp(createdAtMs) }
}

function readName(name: string | undefined): string {
  if (name === undefined) throw new UsageError('give the program a name: --name orders-api')
  if (!NAME.test(name)) throw new UsageError('--name may have 1 to 100 characters, none of them a control character')
  return name
}

function readScopes(scopes: readonly string[]): readonly ClientScope[] {
  const known = scopes.filter((scope): scope is ClientScope => (clientScopes as readonly string[]).includes(scope))
  if (known.length === 0 || known.length < scopes.length) {
    throw new UsageError(`--scope may be one of ${clientScopes.join(', ')}; give one or more`)
  }
  return known
}
