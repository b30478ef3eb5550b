import { systemClock } from 'rescind'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryCounters } from '../src/rate-limits/counters.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { startMailApp } from './support/mail-app.ts'
import { query, usePostgres } from './support/servers.ts'
import { PASSWORD } from './support/start-app.ts'

const NEW_PASSWORD = 'amber-Lighthouse-27-tuba'

describe('an owner whose network cannot be noted', () => {
  const database = usePostgres()

  it('has the new password all the same, and the log says what failed', async () => {
    const databaseUrl = await database()
    const lines: string[] = []
    const app = await startMailApp({
      settings: { DATABASE_URL: databaseUrl },
      rateLimits: { settings: defaultRateLimits, counters: memoryCounters({ clock: systemClock }) },
      log: { level: 'info', stream: { write: (line) => lines.push(line) } },
    })
    onTestFinished(() => app.close())
    const { user } = await app.register()
    await app.mailServer.to(user.email)
    await app.post('/auth/password/forgot', { email: user.email })
    const token = await app.secretFor(user.email, 2)

    // From the commit of the reset on, accounts cannot be looked up by their address.
    await query(
      databaseUrl,
      `CREATE FUNCTION lose_column() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
          IF EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'email_key')
          THEN ALTER TABLE users RENAME COLUMN email_key TO lost; END IF;
          RETURN NULL;
        END $$`,
    )
    await query(
      databaseUrl,
      `CREATE CONSTRAINT TRIGGER lose_column AFTER UPDATE ON mail_tokens DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.user_id = '${user.id}') EXECUTE FUNCTION lose_column()`,
    )
    expect((await app.post('/auth/password/reset', { token, new_password: NEW_PASSWORD })).status).toBe(204)

    const warnings = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => String(msg).startsWith('the network of an owner could not be noted'))
    expect(warnings).toEqual([
      expect.objectContaining({
        level: 40,
        userId: user.id,
        cause: { code: '42703', message: expect.stringContaining('email_key') },
      }),
    ])
    await query(databaseUrl, 'DROP TRIGGER lose_column ON mail_tokens')
    await query(databaseUrl, 'ALTER TABLE users RENAME COLUMN lost TO email_key')
    const login = (password: string) => app.post('/auth/login', { email: user.email, password })
    expect([(await login(PASSWORD)).status, (await login(NEW_PASSWORD)).status]).toEqual([401, 200])
    expect(lines.join('')).not.toContain(user.email)
  })
})
