import { RescindError } from '../base/errors.ts'
import type { Transaction } from '../revocation/ledger.ts'
import type { Replica } from '../revocation/replica.ts'
import type {
  EverythingReach,
  RevocationOrder,
  RevocationOrders,
  RevokeReason,
  SubjectReach,
  TokenTarget,
} from './revocation-orders.ts'
import type { EndResult, Store } from './sessions.ts'
import type { StoreWriter } from './store-writer.ts'

/**
 * Ways to kill tokens. Each resolves once the tokens are dead here, and the record is as durable as the store promises;
 * it rejects with `revocation_unavailable` when the store did not take it, and with `invalid_config` for an unusable id
 * or time. Calls made at once share the store's writes.
 */
export interface Revoke {
  /** Kills one token. */
  token(target: TokenTarget, why?: RevokeReason): Promise<void>
  /** Ends one login: every token that descends from it. */
  session(sid: string, why?: RevokeReason): Promise<void>
  /** Kills a user's tokens, but for those of one session. Answers how many sessions it ended. */
  subject(sub: string, reach?: SubjectReach): Promise<number>
  /** The panic button: kills every token issued until now, or until a time. */
  everything(reach?: EverythingReach): Promise<void>
  /**
   * The same verbs within a transaction that the caller has open: a password change and the end of the user's sessions
   * commit together or not at all. What it takes depends on the store: a PostgreSQL client, a SQLite connection. Until it
   * ends it may hold up the revocations of others: give PostgreSQL an `idle_in_transaction_session_timeout` for it, in case
   * this machine vanishes.
   *
   * @example
   * ```ts
   * await client.query('BEGIN')
   * await client.query('UPDATE users SET password_hash = $1 WHERE id = $2', [hash, sub])
   * const ended = await auth.revoke.within(client).subject(sub)
   * await client.query('COMMIT')
   * ended.committed()
   * ```
   */
  within(transaction: Transaction): RevokeWithin
}

/** The verbs of {@link Revoke}, within a transaction. */
export interface RevokeWithin {
  token(target: TokenTarget, why?: RevokeReason): Promise<Uncommitted>
  session(sid: string, why?: RevokeReason): Promise<Uncommitted>
  subject(sub: string, reach?: SubjectReach): Promise<Uncommitted>
  everything(reach?: EverythingReach): Promise<Uncommitted>
}

/** A revocation that holds once the caller's transaction commits. */
export interface Uncommitted {
  /** How many sessions it ends. */
  readonly ended: number
  /**
   * To be called after the commit: from then on this process refuses the tokens, as every other does within
   * milliseconds. After a rollback, leave it out.
   */
  committed(): void
}

/** Composes orders, store and replica into {@link Revoke}. */
export function createRevoke(parts: {
  orders: RevocationOrders
  store: Store
  writer: StoreWriter
  replica: Replica
}): Revoke {
  const { orders, store, writer, replica } = parts

  const carryOut = async ({ which, revocation }: RevocationOrder): Promise<number> => {
    const over = replica.announce(revocation)
    try {
      const { ended, recorded } = await recording(async () => {
        if (which !== null) return writer.end({ which, revocation })
        await writer.append(revocation)
        return { ended: 0, recorded: [revocation] }
      })
      replica.apply(recorded)
      return ended
    } finally {
      over()
    }
  }

  const carryOutWithin = async (
    { which, revocation }: RevocationOrder,
    transaction: Transaction,
  ): Promise<Uncommitted> => {
    const { ended, recorded } = await recording(async (): Promise<EndResult> => {
      if (which !== null) {
        const [result] = await store.sessions.end([{ which, revocation }], transaction)
        if (result === undefined) throw new RescindError('store_failed', 'The store left an order unanswered.')
        return result
      }
      await store.ledger.append([revocation], transaction)
      return { ended: 0, recorded: [revocation] }
    })
    return { ended, committed: () => replica.apply(recorded) }
  }

  return {
    async token(target, why) {
      await carryOut(orders.token(target, why))
    },
    async session(sid, why) {
      await carryOut(orders.session(sid, why))
    },
    subject: async (sub, reach) => carryOut(orders.subject(sub, reach)),
    async everything(reach) {
      await carryOut(orders.everything(reach))
    },
    within: (transaction) => ({
      token: async (target, why) => carryOutWithin(orders.token(target, why), transaction),
      session: async (sid, why) => carryOutWithin(orders.session(sid, why), transaction),
      subject: async (sub, reach) => carryOutWithin(orders.subject(sub, reach), transaction),
      everything: async (reach) => carryOutWithin(orders.everything(reach), transaction),
    }),
  }
}

/** Runs a store's verb; its failure becomes an answer that says the request had no effect the caller may count on. */
export async function recording<T>(verb: () => Promise<T>): Promise<T> {
  try {
    return await verb()
  } catch (cause) {
    if (cause instanceof RescindError && (cause.code === 'invalid_config' || cause.code === 'revocation_unavailable')) {
      throw cause
    }
    throw new RescindError('revocation_unavailable', 'The store did not take the change: try again.', { cause })
  }
}
