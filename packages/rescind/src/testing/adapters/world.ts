import type { CheckOptions } from '../../session/check-options.ts'
import type { RescindOptions } from '../../session/options.ts'
import type { Principal } from '../../session/principal.ts'
import type { RequestGuard } from '../../session/request-guard.ts'
import { createRescind, type Rescind } from '../../session/rescind.ts'
import type { TokenPair } from '../../session/tokens.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createKeyRing } from '../../tokens/key-ring.ts'
import { generateKey } from '../../tokens/keys.ts'
import { createFakeClock, type FakeClock } from '../fake-clock.ts'

/** The guard that an adapter is given. */
export type AnyGuard = RequestGuard<Principal<unknown>, CheckOptions>

/** What a route tells of its principal. */
export type ShownPrincipal = Pick<Principal<unknown>, 'sub' | 'type' | 'fresh' | 'location' | 'user'>

/** The library over a memory store, and the logins that the requests are made with. */
export interface AdapterWorld {
  readonly auth: Rescind<unknown>
  readonly clock: FakeClock
  /** A fresh login. */
  readonly alice: TokenPair
  /** A login that is not fresh. */
  readonly bob: TokenPair
  /** A login at another library, with other keys. */
  readonly stranger: TokenPair
  /** From now on the store answers no question about revocations. */
  breakStore(): void
  close(): Promise<void>
}

const keys = createKeyRing({ active: generateKey('EdDSA') })
const otherKeys = createKeyRing({ active: generateKey('EdDSA') })

/** Opens a world. */
export async function openWorld(settings: Partial<RescindOptions<unknown>> = {}): Promise<AdapterWorld> {
  const clock = createFakeClock()
  const memory = memoryStore()
  let isBroken = false
  const ledger: typeof memory.ledger = {
    ...memory.ledger,
    find: (...question) =>
      isBroken ? Promise.reject(new Error('the store is down')) : memory.ledger.find(...question),
  }
  const auth = createRescind({ store: { ...memory, ledger }, keys, ...settings, clock })
  const other = createRescind({ store: memoryStore(), keys: otherKeys, clock })
  await Promise.all([auth.ready(), other.ready()])
  return {
    auth,
    clock,
    alice: await auth.issue({ sub: 'alice' }),
    bob: await auth.issue({ sub: 'bob', fresh: false }),
    stranger: await other.issue({ sub: 'alice' }),
    breakStore() {
      isBroken = true
    },
    async close() {
      await Promise.all([auth.close(), other.close()])
    },
  }
}
