import { boundedNumber } from '../base/config.ts'
import { RescindError } from '../base/errors.ts'
import type { Sessions, Store } from '../session/sessions.ts'
import { serviceAddress } from './http/address.ts'
import { authorizationOf, type HttpCredentials } from './http/authorization.ts'
import { httpLedger, readOnly } from './http/ledger.ts'
import { createHttpService, type HttpService } from './http/service.ts'

/** How {@link httpStore} reaches the service, and what it shows there. */
export type HttpStoreOptions = HttpCredentials & HttpConnectionOptions

/** How {@link httpStore} reaches the service. */
export interface HttpConnectionOptions {
  /**
   * Takes an `http:` address that is not this machine: whoever is on the way can then read the token and change what
   * the service says.
   * @default false
   */
  readonly allowInsecure?: boolean
  /** A connection that says nothing for so many milliseconds is given up. @default 5_000 */
  readonly silenceTimeoutMs?: number
  /** How long the service may take over one token, in milliseconds. @default 1_000 */
  readonly findTimeoutMs?: number
  /** For an agent or a proxy of your own. @default the global `fetch` */
  readonly fetch?: typeof fetch
}

/**
 * Follows the revocations of another rescind service: for resource servers, which check tokens and should hold no
 * credentials of a database. It is read only: sessions are started, refreshed and ended at the service, and the verbs
 * that would do it here reject with `invalid_config`.
 *
 * The service proves twice a second that its followers hold everything, so `maxStalenessMs` should be no less than a
 * second.
 *
 * @param url the service's address, as in its `ISSUER`
 * @throws RescindError `invalid_config` for an unusable option
 * @example
 * ```ts
 * const auth = createRescind({
 *   store: httpStore('https://auth.example.com', { token: process.env.SERVICE_TOKEN }),
 *   keys,
 * })
 * ```
 */
export function httpStore(url: string | URL, options: HttpStoreOptions): Store {
  const { base, inClear } = serviceAddress(url, options.allowInsecure ?? false)
  const ms = (name: 'silenceTimeoutMs' | 'findTimeoutMs', fallback: number) =>
    boundedNumber(name, options[name] ?? fallback, { min: 10, max: 600_000, unit: 'milliseconds' })
  const service = createHttpService({
    base,
    authorization: authorizationOf(options),
    silenceTimeoutMs: ms('silenceTimeoutMs', 5_000),
    findTimeoutMs: ms('findTimeoutMs', 1_000),
    fetch: options.fetch ?? fetch,
  })
  return {
    ledger: httpLedger(service),
    sessions: noSessions,
    guarantees: { durable: true, shared: true },
    async inspect() {
      await refuseUnusable(service)
      return inClear ? [`the credentials of the service travel in clear to ${base}: use https`] : []
    },
    async close() {
      service.close()
    },
  }
}

/** Finds out at the start, with a question about no token, whether the service takes this token at all. */
async function refuseUnusable(service: HttpService): Promise<void> {
  const nobody = { jti: undefined, sid: undefined, sub: undefined, iatMs: 0 }
  try {
    await service.find(nobody, 0)
  } catch (error) {
    if (error instanceof RescindError && error.code === 'invalid_config') throw error
    // It may be out of reach for now; whoever replays the ledger meets that, and tries again.
  }
}

const refuse = async (): Promise<never> => {
  throw readOnly()
}

/** Sessions are kept where they are started: nothing is known of them here, and nothing can be swept. */
const noSessions: Sessions = {
  start: refuse,
  rotate: refuse,
  end: refuse,
  get: refuse,
  list: refuse,
  count: refuse,
  sweep: async () => 0,
}
