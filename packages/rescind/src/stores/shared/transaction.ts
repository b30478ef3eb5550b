import { configError } from '../../base/errors.ts'
import type { Transaction } from '../../revocation/ledger.ts'

/** Refuses a caller's transaction where the store cannot join one: leaving it aside would break its promise. */
export function refuseTransaction(store: string, within: Transaction | undefined): void {
  if (within !== undefined) throw configError(`the ${store} store cannot join a transaction: leave \`within\` out`)
}
