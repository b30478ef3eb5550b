import { expect } from 'vitest'

/** What only the inside of the service knows: places in the code, statements, drivers' words. */
const INSIDE =
  /node_modules|\.[tj]s:\d|\bat \S+ \(|\/packages\/|sqlite|postgres|\bpg_|redis|kysely|fastify|better-|syntax error|select .* from|insert into|no such (table|column)|ECONN|errno/i

/** Expects an answer that tells nothing of the inside, and that is no fault of the service. */
export async function expectHarmless(answer: Response, what: string): Promise<void> {
  const text = await answer.text()
  expect(answer.status, `${what}: ${text}`).toBeLessThan(500)
  expect(text, what).not.toMatch(INSIDE)
  for (const [name, value] of answer.headers) expect(`${name}: ${value}`, what).not.toMatch(INSIDE)
}
