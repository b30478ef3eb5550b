import { type Ledger, type Revocation, type SessionRecord, systemClock } from 'rescind'
import type { AuditEntry } from '../repositories/audit.ts'
import type { UserRecord } from '../repositories/users.ts'
import { createAuditTrail } from '../services/operators/audit-trail.ts'
import type { Operators } from '../services/operators/operators.ts'
import { defineCommand, reason, UsageError } from './command.ts'
import { pagesOf, withOperators } from './operators.ts'
import { timestamp, writeLine } from './printing.ts'
import { showProgress } from './progress.ts'

const kinds = ['users', 'sessions', 'revocations', 'audit'] as const
type Kind = (typeof kinds)[number]

/** `rescind export`: everything that operators may see, as lines of JSON. */
export const exportAll = defineCommand({
  name: 'export',
  summary: 'write users, sessions, revocations and audit log as lines of JSON',
  about: `
Writes one JSON object a line to standard output, each with its type: user, session, revocation or audit. It reads in
pages: what changes meanwhile may be in it or not. No secrets are in it, unless the hashes of the passwords are asked
for. That there was an export is in the audit log.`,
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
        const progress = showProgress(terminal, 'lines')
        let lines = 0
        try {
          for await (const line of everything({ operators, ledger: store.ledger, wished, withHashes })) {
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

async function* everything(from: {
  operators: Operators
  ledger: Ledger
  wished: readonly Kind[]
  withHashes: boolean
}): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const { operators, ledger, wished, withHashes } = from
  if (wished.includes('users')) yield* usersOf(operators, withHashes)
  if (wished.includes('sessions')) yield* sessionsOf(operators)
  if (wished.includes('revocations')) {
    for await (const { records } of ledger.read(null)) yield* records.map(revocationLine)
  }
  if (wished.includes('audit')) {
    for await (const entries of pagesOf((page) => operators.audit.list(page))) yield* entries.map(auditLine)
  }
}

async function* usersOf({ users }: Operators, withHashes: boolean) {
  for await (const page of pagesOf((request) => users.list(request))) {
    yield* page.map((user) => userLine(user, withHashes))
  }
}

async function* sessionsOf({ users, sessions }: Operators) {
  for await (const page of pagesOf((request) => users.list(request))) {
    for (const { id } of page) {
      for await (const found of pagesOf((request) => sessions.list(id, request))) yield* found.map(sessionLine)
    }
  }
}

function userLine(user: UserRecord, withHash: boolean) {
  return {
    type: 'user',
    id: user.id,
    email: user.email,
    email_verified: user.emailVerified,
    ...(withHash ? { password_hash: user.passwordHash } : {}),
    admin: user.admin,
    registered_at: timestamp(user.registeredAtMs),
    disabled_at: user.disabledAtMs === null ? null : timestamp(user.disabledAtMs),
  }
}

function sessionLine(session: SessionRecord) {
  return {
    type: 'session',
    id: session.sid,
    user: session.sub,
    created_at: timestamp(session.createdAtMs),
    last_refreshed_at: timestamp(session.lastUsedAtMs),
    expires_at: timestamp(session.expiresAtMs),
    ends_at: timestamp(session.endsAtMs),
    ip: session.ip,
    user_agent: session.userAgent,
  }
}

function revocationLine(record: Revocation) {
  return {
    type: 'revocation',
    kind: record.kind,
    id: record.kind === 'everything' ? null : record.id,
    issued_until: 'before' in record ? timestamp(record.before) : null,
    spared_session: record.kind === 'subject' ? (record.except ?? null) : null,
    at: timestamp(record.at),
    expires_at: timestamp(record.expiresAt),
    by: record.by ?? null,
    reason: record.reason ?? null,
  }
}

function auditLine(entry: AuditEntry) {
  return {
    type: 'audit',
    id: entry.id,
    at: timestamp(entry.atMs),
    actor_kind: entry.actorKind,
    actor_id: entry.actorId,
    ip: entry.ip,
    action: entry.action,
    target_kind: entry.targetKind,
    target_id: entry.targetId,
    reason: entry.reason,
    outcome: entry.outcome,
    failure_of: entry.failureOf,
    failure_code: entry.failureCode,
  }
}
