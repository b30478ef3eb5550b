import { createFakeClock } from 'rescind/testing'
import { expect, it } from 'vitest'
import { PASSWORD, startApp } from './support/start-app.ts'

it('a password does not age: it lets its owner in after two years (ASVS 6.2.10)', async () => {
  const clock = createFakeClock()
  const app = await startApp({ clock })
  try {
    const { user } = await app.register()
    clock.advance(2 * 365 * 86_400_000)
    expect((await app.post('/auth/login', { email: user.email, password: PASSWORD })).status).toBe(200)
  } finally {
    await app.close()
  }
})
