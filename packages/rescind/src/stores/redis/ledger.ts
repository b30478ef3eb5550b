import { configError } from '../../base/errors.ts'
import type { Ledger } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { refuseTransaction } from '../shared/transaction.ts'
import type { RedisCommands } from './commands.ts'
import { BLOCK_MS, enter, type FeedReader, followFeed, generationOf, readFeed, writePlace } from './feed.ts'
import { APPEND, FIND, PRUNE } from './ledger-scripts.ts'
import { recordArgs } from './records.ts'
import { listOf, marked, numberOf, textOf } from './replies.ts'
import { nonce } from './script.ts'

const PRUNE_AT_ONCE = 1_000
// One script records them all, and Redis does nothing else meanwhile.
const MOST_AT_ONCE = 10_000

/** The ledger's half of the Redis store. */
export function redisLedger(commands: RedisCommands, deadlineMs: number): Ledger {
  const feedKey = `${commands.prefix}feed`
  const shared: FeedReader = { send: commands.send, run: commands.run, feedKey }
  return {
    async append(records, within) {
      refuseTransaction('Redis', within)
      if (records.length > MOST_AT_ONCE) throw configError(`append takes up to ${MOST_AT_ONCE} records at once`)
      const reply = await commands.write(APPEND, [nonce(), ...records.flatMap(recordArgs)])
      const [generation = '', epoch = '', entry = ''] = listOf(reply).map(textOf)
      return writePlace({ generation, epoch, entry })
    },
    read: (from) => readFeed(shared, from),
    async follow(from, sink, signal) {
      if (signal.aborted) return
      // On the shared client first, which in a cluster learns from it where the feed is now.
      await enter(shared, from)
      const connection = await commands.open()
      const own: FeedReader = {
        send: (args) => connection.send(args, Math.max(deadlineMs, BLOCK_MS + 500)),
        run: (script, args) => commands.runOn(connection, script, args),
        feedKey,
      }
      signal.addEventListener('abort', connection.close, { once: true })
      try {
        if (!signal.aborted) await followFeed(own, from, sink)
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        signal.removeEventListener('abort', connection.close)
        connection.close()
      }
    },
    async find({ jti, sid, sub, iatMs }, nowMs) {
      const args = [marked(jti), marked(sid), marked(sub), String(iatMs), String(nowMs)]
      const reply = await commands.run(FIND, args)
      return reply === null ? null : (JSON.parse(textOf(reply)) as Revocation)
    },
    async prune(nowMs, limit) {
      const args = [String(nowMs), String(Math.min(limit, PRUNE_AT_ONCE))]
      return numberOf(await commands.run(PRUNE, args))
    },
    generation: () => generationOf(shared),
  }
}
