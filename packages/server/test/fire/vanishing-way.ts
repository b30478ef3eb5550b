import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A way to PostgreSQL whose near end can lose power. */
export interface VanishingWay {
  /** Where to connect, on 127.0.0.1. */
  readonly port: number
  /**
   * From some moment within a transaction on, nothing passes on the connections that are open, and PostgreSQL is not told.
   * New ones work.
   */
  vanish(): Promise<void>
  close(): Promise<void>
}

interface Connection {
  readonly near: Socket
  readonly far: Socket
  /** How many answers in a row said that a transaction is open. */
  answersWithin: number
}

// How ReadyForQuery ends an answer: `T` says that a transaction is open (the frontend/backend protocol of PostgreSQL).
const WITHIN_TRANSACTION = Buffer.from([0x5a, 0, 0, 0, 5, 0x54])
// The first answer is the one to BEGIN. What comes after it may lock.
const ANSWERS_UNTIL_LOCKED = 2
const LOCKED_WITHIN_MS = 2_000

/** Starts a way to a port of 127.0.0.1. */
export async function createVanishingWay(port: number): Promise<VanishingWay> {
  const connections = new Set<Connection>()
  // What PostgreSQL believes to be connected to.
  const vanished = new Set<Connection>()
  let onLocked: (() => void) | undefined

  const vanishNow = () => {
    for (const connection of connections) {
      for (const socket of [connection.near, connection.far]) socket.unpipe().pause()
      vanished.add(connection)
    }
    connections.clear()
  }
  const end = (ended: Set<Connection>) => {
    for (const { near, far } of ended) {
      near.destroy()
      far.destroy()
    }
    ended.clear()
  }
  const listener = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    const connection: Connection = { near, far, answersWithin: 0 }
    connections.add(connection)
    far.on('data', (answer: Buffer) => {
      connection.answersWithin = answer.subarray(-6).equals(WITHIN_TRANSACTION) ? connection.answersWithin + 1 : 0
      if (connection.answersWithin >= ANSWERS_UNTIL_LOCKED) onLocked?.()
    })
    near.pipe(far)
    far.pipe(near)
    // What ends one side ends the other, but a connection that has vanished tells nobody of its end.
    const endWith = (other: Socket) => () => {
      if (connections.has(connection)) other.destroySoon()
    }
    for (const socket of [near, far]) socket.on('error', () => {})
    near.once('close', endWith(far))
    far.once('close', endWith(near))
    far.once('close', () => connections.delete(connection))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the way has no port')

  return {
    port: address.port,
    async vanish() {
      // PostgreSQL has room for what vanished once. In the meantime, TCP has noticed.
      end(vanished)
      const timeout = new AbortController()
      const locked = new Promise<void>((resolve) => {
        onLocked = () => {
          onLocked = undefined
          vanishNow()
          resolve()
        }
      })
      await Promise.race([locked, pause(LOCKED_WITHIN_MS, undefined, { signal: timeout.signal }).catch(() => {})])
      timeout.abort()
      onLocked?.()
    },
    async close() {
      end(connections)
      end(vanished)
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}
