import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, Migrator, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Dialect, migrationsFor } from '../src/migrations/index.ts'
import { closePostgresPool, migratePostgres } from '../src/postgres-database.ts'
import type { Tables } from '../src/repositories/tables.ts'
import { openSqlite, openSqliteDatabase } from '../src/sqlite-database.ts'
import { build, failToStart, type ServiceProcess, startService } from './support/process.ts'
import { query, usePostgres } from './support/servers.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-migrations-'))
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What applies the migrations of the service, forward and back. */
function migratorOf(tables: Kysely<Tables>, dialect: Dialect): Migrator {
  return new Migrator({ db: tables, provider: { getMigrations: async () => migrationsFor(dialect) } })
}

const postgresUrl = usePostgres()

/** An empty database, and the settings that a service finds it by. */
interface EmptyDatabase {
  readonly tables: Kysely<Tables>
  readonly settings: Record<string, string>
}

const databases: readonly { readonly dialect: Dialect; empty(): Promise<EmptyDatabase> }[] = [
  {
    dialect: 'sqlite',
    async empty() {
      const directory = temporaryDirectory()
      const connection = openSqlite(join(directory, 'rescind.db'))
      const tables = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
      cleanUps.push(() => tables.destroy())
      return { tables, settings: { DATA_DIR: directory } }
    },
  },
  {
    dialect: 'postgres',
    async empty() {
      const url = await postgresUrl()
      const pool = new Pool({ connectionString: url })
      cleanUps.push(() => closePostgresPool(pool))
      const tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
      return { tables, settings: { DATA_DIR: temporaryDirectory(), DATABASE_URL: url } }
    },
  },
]

/** What each migration may find in the tables that are there after it: a statement for each of its own. */
const rows: Readonly<Record<string, readonly string[]>> = {
  '0001-users': [
    `insert into users (id, email, email_key, email_verified, password_hash, admin, registered_at_ms)
     values ('u1', 'Ann@example.test', 'ann@example.test', 1, 'hash', 0, 1700000000000)`,
  ],
  '0002-probes': [`insert into probes (name, filler) values ('write', 'x')`],
  '0003-accounts': [
    `insert into mail_tokens
       (id, user_id, purpose, address, address_key, token_hash, created_at_ms, expires_at_ms)
     values ('m1', 'u1', 'reset', 'Ann@example.test', 'ann@example.test', 'h1', 1700000000000, 1700000600000)`,
    `update users set disabled_at_ms = 1700000000001 where id = 'u1'`,
  ],
  '0004-clients': [
    `insert into clients (id, name, secret_hash, scopes, created_at_ms)
     values ('c1', 'gateway', 'h', 'introspect', 1700000000000)`,
  ],
  '0005-signing-keys': [
    `insert into signing_keys (kid, alg, sealed, created_at_ms, signs_from_ms)
     values ('k1', 'EdDSA', 'sealed', 1700000000000, 1700000000000)`,
  ],
  '0006-session-uses': [`insert into session_uses (sid, used_at_ms) values ('s1', 1700000000000)`],
  '0007-audit': [
    `insert into audit (id, at_ms, actor_kind, actor_id, action, outcome)
     values ('01890000-0000-7000-8000-000000000000', 1700000000000, 'user', 'u1', 'key.rotate', 'asked')`,
  ],
}

async function contents(tables: Kysely<Tables>): Promise<Record<string, unknown[]>> {
  const found = await tables.introspection.getTables()
  const all: Record<string, unknown[]> = {}
  for (const { name } of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    all[name] = (await sql`select * from ${sql.table(name)} order by 1`.execute(tables)).rows
  }
  return all
}

async function shape(tables: Kysely<Tables>): Promise<unknown> {
  const found = await tables.introspection.getTables()
  return found
    .map(({ name, columns }) => ({ name, columns: columns.map((it) => `${it.name} ${it.dataType}`).sort() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

describe.each(databases)('migrations of $dialect', ({ dialect, empty }) => {
  const names = Object.keys(migrationsFor(dialect))

  it('come in order, and each has a way back', () => {
    expect(names).toEqual([...names].sort())
    for (const migration of Object.values(migrationsFor(dialect))) expect(migration.down).toBeTypeOf('function')
    expect(Object.keys(rows)).toEqual(names)
  })

  it.each(names)('up to %s keep what was there, back and forth', async (name) => {
    const { tables } = await empty()
    const migrator = migratorOf(tables, dialect)
    const to = async (target: string) => {
      const { error } = await migrator.migrateTo(target)
      if (error !== undefined) throw error
    }
    for (const step of names.slice(0, names.indexOf(name) + 1)) {
      await to(step)
      for (const statement of rows[step] ?? []) await sql.raw(statement).execute(tables)
    }
    const before = await contents(tables)
    const shapeBefore = await shape(tables)

    await to(names.at(-1) ?? '')
    const newest = await shape(tables)
    for (const [table, kept] of Object.entries(before)) {
      expect((await contents(tables))[table]).toMatchObject(kept as object[])
    }
    await to(name)
    expect(await contents(tables)).toEqual(before)
    expect(await shape(tables)).toEqual(shapeBefore)
    await to(names.at(-1) ?? '')
    expect(await shape(tables)).toEqual(newest)
  })

  it('leave nothing when all of them are taken back', async () => {
    const { tables } = await empty()
    const migrator = migratorOf(tables, dialect)
    await migrator.migrateToLatest()
    for (const { error } of [await migrator.migrateTo('0001-users'), await migrator.migrateDown()]) {
      expect(error).toBeUndefined()
    }
    expect(await shape(tables)).toEqual([])
  })

  it('that a newer version made are refused', async () => {
    const { tables, settings } = await empty()
    await migratorOf(tables, dialect).migrateToLatest()
    await sql`insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', 'x')`.execute(tables)
    const opened =
      dialect === 'sqlite'
        ? openSqliteDatabase(openSqlite(join(settings.DATA_DIR ?? '', 'rescind.db')))
        : migratePostgres(settings.DATABASE_URL ?? '')
    await expect(opened).rejects.toThrow(/newer version .*\(9999-of-tomorrow\)/)
  })
})

describe('processes', () => {
  beforeAll(build)

  it.each(databases)('that start at once migrate once ($dialect)', async ({ dialect, empty }) => {
    const { tables, settings } = await empty()
    const services: ServiceProcess[] = await Promise.all(
      [1, 2, 3].map(() => startService(settings, temporaryDirectory())),
    )
    for (const service of services) {
      expect((await fetch(`${service.url}/health/ready`)).status).toBe(200)
      expect(await service.stop('SIGTERM')).toBe(0)
    }
    const applied = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(tables)
    expect(applied.rows.map(({ name }) => name)).toEqual(Object.keys(migrationsFor(dialect)))
    // ASVS 6.3.2: nobody has an account who was not given one.
    expect((await sql`select id from users`.execute(tables)).rows).toEqual([])
  })

  it.each(databases)('refuse the database of a newer version in one line ($dialect)', async ({ dialect, empty }) => {
    const { tables, settings } = await empty()
    await migratorOf(tables, dialect).migrateToLatest()
    await sql`insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', 'x')`.execute(tables)
    const { code, stderr } = await failToStart(settings, temporaryDirectory())
    expect(code).toBe(1)
    expect(stderr).toMatch(/^rescind: (DATA_DIR|DATABASE_URL) .* newer version of rescind .*\(9999-of-tomorrow\).*\n$/)
    expect(stderr).not.toMatch(/\bat .*\(/)
    if (dialect === 'postgres') {
      const [found] = await query(settings.DATABASE_URL ?? '', 'select count(*)::int as count from users')
      expect(found).toEqual({ count: 0 })
    }
  })
})
