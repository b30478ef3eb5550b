import BetterSqlite3 from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { expect, it } from 'vitest'
import { migrate } from '../src/database.ts'
import type { Tables } from '../src/repositories/tables.ts'
import { createUsers } from '../src/repositories/users.ts'

it('finds and counts many accounts by indexes: a search reads each once, since every step begins and ends there', async () => {
  const connection = new BetterSqlite3(':memory:')
  const asked: { sql: string; parameters: readonly unknown[] }[] = []
  const tables = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: connection }),
    log: ({ query }) => void asked.push(query),
  })
  try {
    await migrate(tables, 'sqlite')
    await sql`with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < 30500)
      insert into users (id, email, email_key, email_verified, password_hash, admin, registered_at_ms)
      select 'many-' || n, 'm', 'many-' || n || '@many.test', 1, 'none', 0, n / 7 from numbers`.execute(tables)
    asked.length = 0
    const query = { emailKey: 'nobody@many.test', id: 'nobody' }
    const users = createUsers(tables, 'sqlite')
    expect(await users.page({ query, after: null, limit: 50 })).toEqual([])
    const plansOf = (word: string) =>
      asked
        .filter(({ sql: text }) => text.includes(word))
        .map(({ sql: text, parameters }) =>
          connection
            .prepare(`explain query plan ${text}`)
            .all(...parameters)
            .map((row) => (row as { detail: string }).detail)
            .join(),
        )
    const plans = plansOf('instr')
    const beginning = String.raw`\(registered_at_ms,id\)<\(\?,\?\)`
    const end = String.raw`\(registered_at_ms,id\)>\(\?,\?\)`
    expect(plans).toHaveLength(4)
    expect(plans[0]).toMatch(new RegExp(`^SEARCH .*${end}`))
    for (const plan of plans.slice(1, -1)) expect(plan).toMatch(new RegExp(`^SEARCH .*${end}.*${beginning}`))
    expect(plans.at(-1)).toMatch(new RegExp(`^SEARCH .*${beginning}`))
    expect(await users.counts()).toEqual({ all: 30_501, disabled: 0 })
    for (const plan of plansOf('count(*)')) expect(plan).toMatch(/COVERING INDEX/)
  } finally {
    await tables.destroy()
  }
})
