import { createHash } from 'node:crypto'
import type { TokenIds } from '../../base/types.ts'
import type { Page, Position } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { identityOf } from '../shared/identity.ts'
import { missingTables, type PgInteger, type PgQueryable, type PgResult } from './client.ts'
import { newStamp, type PgNames } from './database.ts'
import { checkPlace, type Place, readPlace, writePlace } from './place.ts'
import { appendingTo, findingIn, pageOf } from './record-sql.ts'
import { restored, storable, storableOrNull } from './text.ts'

/** The ledger's statements, on whichever client they are to run. */
export interface PgRecords {
  /**
   * Appends in one round trip. `alongside` is another statement to run in the same one, whose parameters are its
   * `values`, from `$1`.
   */
  append(on: PgQueryable, records: readonly Revocation[], alongside?: Alongside): Promise<Position>
  find(on: PgQueryable, ids: TokenIds, nowMs: number): Promise<Revocation | null>
  /** Up to `limit` records after a place, and whether there may be more. */
  look(on: PgQueryable, from: Position | null, limit: number): Promise<Page & { readonly isFull: boolean }>
  place(on: PgQueryable): Promise<Place>
}

interface Alongside {
  readonly text: string
  readonly values: readonly unknown[]
}

interface Row {
  kind: Revocation['kind'] | 'place'
  id: string
  position: PgInteger
  stamp: number
  before_ms: PgInteger
  except_sid: string | null
  expires_at_ms: PgInteger
  at_ms: PgInteger
  revoked_by: string | null
  reason: string | null
  is_standby: boolean | null
}

/** Writes the statements for these tables; `isPrepared` where the server is to keep them prepared. */
export function postgresRecords(names: PgNames, isPrepared: boolean): PgRecords {
  const once = (text: string) => (isPrepared ? { text, name: statementName(text) } : { text })
  const append = once(`WITH ${appendingTo(names, { input: '$1', stamp: '$2', count: '$3' })}`)
  const finding = once(findingIn(names))
  const pageAfter = once(pageOf(names))
  const place = async (on: PgQueryable) =>
    onlyRow<Place>(await on.query({ text: `SELECT generation, position, stamp FROM ${names.meta} WHERE only_row` }))

  return {
    place,
    async append(on, records, alongside) {
      const input = parametersOf(records)
      if (input.length === 0) return writePlace(await place(on))
      const values = [JSON.stringify(input), newStamp(), input.length]
      if (alongside === undefined) return writePlace(onlyRow<Place>(await on.query({ ...append, values })))
      const given = alongside.values.length
      const appending = appendingTo(names, { input: `$${given + 1}`, stamp: `$${given + 2}`, count: `$${given + 3}` })
      const text = `WITH alongside AS (${alongside.text}), ${appending}`
      return writePlace(onlyRow<Place>(await on.query({ text, values: [...alongside.values, ...values] })))
    },
    async find(on, { jti, sid, sub, iatMs }, nowMs) {
      const values = [...[jti, sid, sub].map(storableOrNull), Math.ceil(iatMs), nowMs]
      const [row] = (await on.query({ ...finding, values })).rows
      return row === undefined ? null : readRow(row as Row)
    },
    async look(on, from, limit) {
      const known = from === null ? null : readPlace(from)
      const values = [Number(known?.position ?? 0), limit + 1]
      const { rows } = await on.query({ ...pageAfter, values })
      return readPage(rows as Row[], known, limit)
    },
  }
}

// The text decides the name: a driver refuses one name for two texts, and two schemas differ in theirs.
function statementName(text: string): string {
  return `rescind:${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`
}

function readPage(rows: readonly Row[], from: Place | null, limit: number): Page & { isFull: boolean } {
  const end = rows.find((row) => row.kind === 'place')
  if (end === undefined) throw missingTables()
  if (end.is_standby === true) throw new Error('the server is a standby: what it holds may be old')
  const last: Place = { generation: end.id, position: end.position, stamp: end.stamp }
  const after = Number(from?.position ?? 0)
  let found: number | undefined
  let latest: Row | undefined
  const records: Revocation[] = []
  for (const row of rows) {
    if (row.kind === 'place') continue
    if (Number(row.position) === after) found = row.stamp
    else if (records.length < limit) {
      records.push(readRow(row))
      latest = row
    }
  }
  if (from !== null) checkPlace(from, last, found)
  const isFull = records.length === limit
  const place = isFull && latest !== undefined ? { ...last, position: latest.position, stamp: latest.stamp } : last
  return { records, position: writePlace(place), isFull }
}

/** The records as the statement takes them; of those that are the same revocation, the one that counts. */
function parametersOf(records: readonly Revocation[]): object[] {
  const news = new Map<string, Revocation>()
  for (const record of records) {
    const identity = identityOf(record)
    const known = news.get(identity)
    if (known !== undefined && known.expiresAt >= record.expiresAt) continue
    news.delete(identity)
    news.set(identity, record)
  }
  return [...news.values()].map((record, index) => {
    const except = record.kind === 'subject' ? record.except : undefined
    return {
      n: index + 1,
      kind: record.kind,
      id: record.kind === 'everything' ? '' : storable(record.id),
      before: 'before' in record ? record.before : 0,
      except_hash: except === undefined ? '' : createHash('sha256').update(except).digest('base64url'),
      except_sid: storableOrNull(except),
      expires: record.expiresAt,
      at: record.at,
      by: storableOrNull(record.by),
      reason: storableOrNull(record.reason),
    }
  })
}

function readRow(row: Row): Revocation {
  const facts: { expiresAt: number; at: number; by?: string; reason?: string } = {
    expiresAt: Number(row.expires_at_ms),
    at: Number(row.at_ms),
  }
  if (row.revoked_by !== null) facts.by = restored(row.revoked_by)
  if (row.reason !== null) facts.reason = restored(row.reason)
  const before = Number(row.before_ms)
  const id = restored(row.id)
  switch (row.kind) {
    case 'place':
      throw new Error('the ledger holds a record of no known kind')
    case 'token':
    case 'session':
      return { kind: row.kind, id, ...facts }
    case 'subject':
      return row.except_sid === null
        ? { kind: row.kind, id, before, ...facts }
        : { kind: row.kind, id, before, except: restored(row.except_sid), ...facts }
    case 'everything':
      return { kind: row.kind, before, ...facts }
  }
}

function onlyRow<T>({ rows }: PgResult): T {
  const [row] = rows
  if (row === undefined) throw missingTables()
  return row as T
}
