import { createHash, timingSafeEqual } from 'node:crypto'
import { type Clock, type RandomSource, systemRandom } from 'rescind'
import type { ClientRecord, ClientRecords } from '../repositories/clients.ts'

/** What a client may be allowed. */
export const clientScopes = ['introspect', 'revocations:read', 'admin', 'metrics'] as const

/** One thing that a client may be allowed. */
export type ClientScope = (typeof clientScopes)[number]

/** An id and a secret as a request shows them. */
export interface ClientCredentials {
  readonly id: string
  readonly secret: string
}

/** The programs that have credentials of their own. */
export interface Clients {
  /** Makes a client. The secret is told this once: what is kept cannot be turned back into it. */
  create(wish: { name: string; scopes: readonly ClientScope[] }): Promise<{ client: ClientRecord; secret: string }>
  /** The client whose credentials these are, or `null`. It is looked up each time, so that a deletion holds at once. */
  authenticate(credentials: ClientCredentials): Promise<ClientRecord | null>
  list(): Promise<readonly ClientRecord[]>
  delete(id: string): Promise<'deleted' | 'unknown'>
}

const ID_BYTES = 12
const SECRET_BYTES = 32
// Longer ones are not ours, and PostgreSQL takes no U+0000.
const CLIENT_ID = /^[\w-]{1,64}$/
// Compared with where there is no such client, so that the answer takes as long.
const NO_HASH = createHash('sha256').update('no client has this secret').digest()

/** Manages clients by what is kept of them. */
export function createClients(parts: { records: ClientRecords; clock: Clock; random?: RandomSource }): Clients {
  const { records, clock, random = systemRandom } = parts
  const drawn = (length: number): string => {
    const bytes = new Uint8Array(length)
    random(bytes)
    return Buffer.from(bytes).toString('base64url')
  }
  return {
    async create({ name, scopes }) {
      // A scanner for leaked secrets knows one by its beginning.
      const secret = `rescind_secret_${drawn(SECRET_BYTES)}`
      const client = {
        id: `client_${drawn(ID_BYTES)}`,
        name,
        secretHash: hashOf(secret).toString('base64url'),
        scopes: [...new Set(scopes)],
        createdAtMs: clock.now(),
      }
      await records.insert(client)
      return { client, secret }
    },
    async authenticate({ id, secret }) {
      const client = CLIENT_ID.test(id) ? await records.byId(id) : null
      const known = client === null ? NO_HASH : Buffer.from(client.secretHash, 'base64url')
      const matches = timingSafeEqual(known, hashOf(secret))
      return matches ? client : null
    },
    list: () => records.all(),
    delete: async (id) => (CLIENT_ID.test(id) ? records.delete(id) : 'unknown'),
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
