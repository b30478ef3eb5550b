import { createServer } from 'node:http'
import { createClient } from 'redis'
import { type Algorithm, createKey, createKeyRing, createRescind, generateKey } from 'rescind'
import { nodeGuard } from 'rescind/node'
import { redisStore } from 'rescind/stores/redis'
import { eventually } from 'rescind/testing'

/** A resource server: it knows the public keys and the copy of the revocations in Redis, and nothing of the service. */
export interface Reader {
  readonly name: string
  readonly url: string
  close(): Promise<void>
}

/** Starts one that answers 204 for a good token at every path, as `GET /auth/verify` does. */
export async function startReader(parts: { redisUrl: string; serviceUrl: string; issuer: string }): Promise<Reader> {
  const { redisUrl, serviceUrl, issuer } = parts
  const answer = await fetch(`${serviceUrl}/.well-known/jwks.json`)
  const { keys } = (await answer.json()) as { keys: { alg: Algorithm }[] }
  const client = createClient({ url: redisUrl })
  // It comes back by itself; until then the reader knows that it knows nothing new.
  client.on('error', () => {})
  await client.connect()
  const store = redisStore(client)
  const auth = createRescind({
    store,
    issuer,
    keys: createKeyRing({
      active: generateKey('EdDSA'),
      verifyOnly: keys.map((jwk) => createKey(jwk, { alg: jwk.alg })),
    }),
    onWarning: () => {},
  })
  await auth.ready()
  const server = createServer(nodeGuard(auth)((_request, response) => response.writeHead(204).end()))
  server.listen(0, '127.0.0.1')
  await eventually(() => server.listening)
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the reader has no port')
  return {
    name: 'reader',
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await auth.close()
      await store.close()
      client.destroy()
    },
  }
}
