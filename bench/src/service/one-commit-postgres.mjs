import pg from 'pg'

const SCHEMA = `
CREATE SCHEMA IF NOT EXISTS baseline;
CREATE TABLE IF NOT EXISTS baseline.users (id text PRIMARY KEY, email text NOT NULL);
CREATE TABLE IF NOT EXISTS baseline.sessions (
  sid text COLLATE "C" PRIMARY KEY, sub text COLLATE "C" NOT NULL, refresh_hash text NOT NULL, parent_hash text,
  last_used_at_ms bigint NOT NULL, expires_at_ms bigint NOT NULL, ended_at_ms bigint
);
CREATE INDEX IF NOT EXISTS sessions_sub ON baseline.sessions (sub);
CREATE INDEX IF NOT EXISTS sessions_expiry ON baseline.sessions (expires_at_ms);
CREATE TABLE IF NOT EXISTS baseline.revocations (sid text COLLATE "C" PRIMARY KEY, expires_at_ms bigint NOT NULL);
CREATE INDEX IF NOT EXISTS revocations_expiry ON baseline.revocations (expires_at_ms);
`

// Prepared once for each connection, as a good engineer has it.
const statement = (name, text) => (values) => ({ name, text, values })
const session = statement('session', 'SELECT * FROM baseline.sessions WHERE sid = $1 FOR UPDATE')
const revoked = statement('revoked', 'SELECT 1 FROM baseline.revocations WHERE sid = $1')
const user = statement('user', 'SELECT * FROM baseline.users WHERE id = $1')
const update = statement(
  'update',
  `UPDATE baseline.sessions SET parent_hash = refresh_hash, refresh_hash = $1, last_used_at_ms = $2, expires_at_ms = $3
    WHERE sid = $4`,
)
const finish = statement(
  'finish',
  'UPDATE baseline.sessions SET ended_at_ms = $1 WHERE sid = $2 AND ended_at_ms IS NULL',
)
const revoke = statement(
  'revoke',
  'INSERT INTO baseline.revocations (sid, expires_at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING',
)

/** The baseline's store on PostgreSQL: a transaction for each request, on a pool of ten connections. */
export async function oneCommitPostgres(url) {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  pool.on('error', () => {})
  await pool.query(SCHEMA)
  const inTransaction = async (work) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const result = await work(client)
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
  return {
    rotate: ({ sid, presentedHash, successorHash, nowMs, expiresAtMs }) =>
      inTransaction(async (client) => {
        const [row] = (await client.query(session([sid]))).rows
        if (row === undefined || row.ended_at_ms !== null || Number(row.expires_at_ms) <= nowMs) return false
        if (row.refresh_hash !== presentedHash) {
          await client.query(finish([nowMs, sid]))
          await client.query(revoke([sid, expiresAtMs]))
          return false
        }
        await client.query(update([successorHash, nowMs, expiresAtMs, sid]))
        return true
      }),
    end: ({ sid, nowMs, expiresAtMs }) =>
      inTransaction(async (client) => {
        await client.query(finish([nowMs, sid]))
        await client.query(revoke([sid, expiresAtMs]))
      }),
    isRevoked: async (sid) => (await pool.query(revoked([sid]))).rowCount === 1,
    user: async (id) => (await pool.query(user([id]))).rows[0],
    async seed(someone, sessions) {
      await pool.query('INSERT INTO baseline.users VALUES ($1, $2) ON CONFLICT DO NOTHING', [someone.id, someone.email])
      await pool.query(
        `INSERT INTO baseline.sessions (sid, sub, refresh_hash, last_used_at_ms, expires_at_ms)
         SELECT s.sid, $1, s."refreshHash", s."nowMs", s."expiresAtMs" FROM jsonb_to_recordset($2::jsonb)
             AS s(sid text, "refreshHash" text, "nowMs" bigint, "expiresAtMs" bigint)`,
        [someone.id, JSON.stringify(sessions)],
      )
    },
    close: () => pool.end(),
  }
}
