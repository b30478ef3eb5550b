import { type Rescind, RescindError } from 'rescind'
import type { Users } from './repositories/users.ts'
import type { MirrorStatus } from './revocation-mirror.ts'
import type { WriteHealth } from './write-health.ts'

/** What a service that is ready says of itself. */
export interface ReadyReport {
  readonly status: 'ready'
  /** The copy of the ledger in Redis, where there is one. Requests do not depend on it. */
  readonly mirror?: MirrorStatus
}

/** Whether the service can do what it is for. */
export interface Readiness {
  /** Rejects with `revocation_unavailable` or `overloaded`, saying what is amiss. */
  check(): Promise<ReadyReport>
}

/** What readiness is judged by. */
export interface ReadinessParts {
  readonly auth: Rescind
  readonly users: Users
  readonly writes: WriteHealth
  readonly mirror: (() => MirrorStatus) | null
}

/** A service is ready that knows what is revoked, can record more of it, and has its accounts. */
export function createReadiness({ auth, users, writes, mirror }: ReadinessParts): Readiness {
  return {
    async check() {
      const { state } = auth.status()
      const [takesWrites, hasAccounts] = await Promise.all([writes.takesWrites(), answers(users)])
      const amiss = [
        ...(state === 'live' ? [] : [`The revocation replica is ${state}.`]),
        ...(takesWrites ? [] : ['The store takes no changes.']),
        ...(hasAccounts ? [] : ['The database of accounts does not answer.']),
      ]
      if (amiss.length > 0) {
        const onlyAccounts = state === 'live' && takesWrites
        throw new RescindError(onlyAccounts ? 'overloaded' : 'revocation_unavailable', amiss.join(' '))
      }
      return { status: 'ready', ...(mirror === null ? {} : { mirror: mirror() }) }
    },
  }
}

async function answers(users: Users): Promise<boolean> {
  return users.byId('').then(
    () => true,
    () => false,
  )
}
