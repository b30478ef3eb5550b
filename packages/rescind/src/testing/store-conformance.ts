import { describeLedger } from './ledger-conformance.ts'
import type { OpenStore } from './open-store.ts'
import type { TestRunner } from './runner.ts'
import { describeSessions } from './sessions-conformance.ts'

/** One store under test. */
export interface StoreUnderTest {
  readonly name: string
  /** Opens an empty store. */
  open(): Promise<OpenStore>
}

/**
 * Defines the tests that every store passes: the ledger's promises, the sessions', and the races between them.
 *
 * @example
 * ```ts
 * import { describe, it } from 'vitest'
 * describeStore({ describe, it }, { name: 'memory', open: async () => ({ store: memoryStore(), dispose: async () => {} }) })
 * ```
 */
export function describeStore(runner: TestRunner, subject: StoreUnderTest): void {
  runner.describe(`store conformance: ${subject.name}`, () => {
    const test = (name: string, body: (open: OpenStore) => Promise<void>) => {
      runner.it(name, async () => {
        const open = await subject.open()
        try {
          await body(open)
        } finally {
          await open.dispose()
        }
      })
    }
    describeLedger(test)
    describeSessions(test)
  })
}
