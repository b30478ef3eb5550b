/** The part of a test runner that the suites call; Vitest, Jest and `node:test` satisfy it. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** Waits until the condition holds; throws after `deadlineMs` of real time (default 5 000). */
export async function eventually(condition: () => boolean | Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`still not so after ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
