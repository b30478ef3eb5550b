import type { Ledger } from 'rescind'
import { redisStore } from 'rescind/stores/redis'
import { STORAGE_DEADLINE_MS, withDeadline } from './deadline.ts'
import { connectRedis, type RedisClient } from './redis-connection.ts'
import { type MirrorBookmark, type RevocationMirror, startRevocationMirror } from './revocation-mirror.ts'

// In the slot of the store's own keys, which begin with {rescind}: as well.
const BOOKMARK_KEY = '{rescind}:mirror'

/** What is mirrored, and who hears how it goes; see {@link startRevocationMirror}. */
export interface RedisMirrorParts {
  readonly source: Ledger
  readonly maxLagMs: number
  readonly onWarning: (message: string) => void
}

/** Keeps a copy of the ledger in Redis, now or as soon as it is there: requests do not depend on it. */
export async function openRedisMirror(url: string, parts: RedisMirrorParts): Promise<RevocationMirror> {
  const { client, close } = await connectRedis(url, { required: false, onWarning: parts.onWarning })
  const target = redisStore(client, { commandTimeoutMs: STORAGE_DEADLINE_MS, copyOf: 'PostgreSQL' })
  const mirror = startRevocationMirror({ ...parts, target, bookmark: bookmarkIn(client) })
  return {
    status: mirror.status,
    async stop() {
      const stopped = mirror.stop()
      try {
        // Whatever the mirror waits for there ends with it.
        await target.close()
      } finally {
        close()
        await stopped
      }
    },
  }
}

function bookmarkIn(client: RedisClient): MirrorBookmark {
  const inTime = <T>(work: Promise<T>) => withDeadline(work, STORAGE_DEADLINE_MS)
  return {
    async read() {
      const [source, target] = await inTime(client.hmGet(BOOKMARK_KEY, ['source', 'target']))
      return { source: source ?? null, target: target ?? null }
    },
    async write({ source, target }) {
      await inTime(client.hSet(BOOKMARK_KEY, { source: source ?? '', target: target ?? '' }))
    },
  }
}
