import { createRescind } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createKeys, REVOCATIONS, revokedId } from './tokens.mjs'

/** What guards the guarded routes: the library as it comes, with live revocations made by the same process. */
export async function createAuth() {
  const auth = createRescind({ store: memoryStore(), keys: createKeys() })
  await auth.ready()
  for (let n = 0; n < REVOCATIONS; n += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, m) => auth.revoke.token({ jti: revokedId(n + m) })))
  }
  if (auth.status().liveRecords !== REVOCATIONS) throw new Error('the revocations are not live')
  return auth
}
