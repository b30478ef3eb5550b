import { type Ledger, systemClock } from 'rescind'
import { adminAuditEntry, adminRevocation, adminUser } from '../admin-resources.ts'
import type { SessionUseRecords } from '../repositories/session-uses.ts'
import type { UserRecord } from '../repositories/users.ts'
import { sessionResource } from '../resources.ts'
import { createAuditTrail } from '../services/operators/audit-trail.ts'
import { liveRecords } from '../services/operators/live-records.ts'
import type { Operators } from '../services/operators/operators.ts'
import { defineCommand, reason, UsageError } from './command.ts'
import { pagesOf, withOperators } from './operators.ts'
import { writeLine } from './printing.ts'
import { showProgress } from './progress.ts'

const kinds = ['users', 'sessions', 'revocations', 'audit'] as const
type Kind = (typeof kinds)[number]

/** `rescind export`: everything that operators may see, as lines of JSON. */
export const exportAll = defineCommand({
  name: 'export',
  summary: 'write users, sessions, revocations and audit log as lines of JSON',
  about: `
Writes one JSON object a line to standard output, each with its type: user, session, revocation or audit. The other
members are those of the routes under /admin; a session has its user_id besides. It reads in pages: what changes
meanwhile may be in it or not. No secrets are in it, unless the hashes of the passwords are asked for: rescind user
import reads these users. That there was an export is in the audit log.`,
  options: {
    only: { type: 'string', multiple: true, value: '<what>', is: `${kinds.join(', ')}; may be given several times` },
    'with-password-hashes': { type: 'boolean', is: 'the hashes too: keep the file as you keep the database' },
    ...reason,
  },
  examples: [
    'export > rescind.jsonl',
    'export --only users --with-password-hashes > users.jsonl',
    'export --only audit',
  ],
  async run({ values }, terminal) {
    const wished = readKinds(values.only)
    const withHashes = values['with-password-hashes'] === true
    await withOperators(terminal, async ({ operators, act, backends: { database, store } }) => {
      const trail = createAuditTrail({ log: database.audit, clock: systemClock })
      const action = withHashes ? 'data.export_with_password_hashes' : 'data.export'
      const deed = { action, target: { kind: 'data', id: wished.join(' ') } }
      await trail.audited(act(values.reason), deed, async () => {
        const { sessionUses } = database
        const source = { operators, ledger: store.ledger, sessionUses, wished, withHashes }
        const progress = showProgress(terminal, 'lines')
        let lines = 0
        try {
          for await (const line of everything(source)) {
            await writeLine(terminal, line)
            lines += 1
            progress.at(lines)
          }
        } finally {
          progress.end()
        }
      })
    })
  },
})

function readKinds(given: readonly string[] | undefined): readonly Kind[] {
  if (given === undefined) return kinds
  if (given.every((name) => (kinds as readonly string[]).includes(name))) {
    return kinds.filter((kind) => given.includes(kind))
  }
  throw new UsageError(`--only may be one of ${kinds.join(', ')}; give one or more`)
}

type Line = Readonly<Record<string, unknown>>

interface Source {
  readonly operators: Operators
  readonly ledger: Ledger
  readonly sessionUses: SessionUseRecords
  readonly wished: readonly Kind[]
  readonly withHashes: boolean
}

/** The resources as the routes for operators show them, each with its type: who reads the one can read the other. */
async function* everything({ operators, ledger, sessionUses, wished, withHashes }: Source): AsyncGenerator<Line> {
  if (wished.includes('users')) {
    for await (const user of eachUser(operators)) {
      yield { type: 'user', ...adminUser(user), ...(withHashes ? { password_hash: user.passwordHash } : {}) }
    }
  }
  if (wished.includes('sessions')) yield* sessionsOf(operators, sessionUses)
  if (wished.includes('revocations')) {
    for await (const { records } of liveRecords(ledger, systemClock.now())) {
      for (const record of records) yield { type: 'revocation', ...adminRevocation(record) }
    }
  }
  if (wished.includes('audit')) {
    for await (const entries of pagesOf((page) => operators.audit.list(page))) {
      for (const entry of entries) yield { type: 'audit', ...adminAuditEntry(entry) }
    }
  }
}

async function* eachUser({ users }: Operators): AsyncGenerator<UserRecord> {
  for await (const page of pagesOf((request) => users.list(request))) yield* page
}

async function* sessionsOf(operators: Operators, sessionUses: SessionUseRecords): AsyncGenerator<Line> {
  for await (const { id } of eachUser(operators)) {
    for await (const sessions of pagesOf((request) => operators.sessions.list(id, request))) {
      const lastUses = await sessionUses.of(sessions.map(({ sid }) => sid))
      for (const session of sessions) {
        // No request is made here: none of them is the current one.
        yield { type: 'session', user_id: id, ...sessionResource(session, lastUses, undefined) }
      }
    }
  }
}
