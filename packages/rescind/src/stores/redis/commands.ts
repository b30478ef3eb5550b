import { isCluster, type RedisClusterLike, type RedisLike } from './client.ts'
import { beforeDeadline, openConnection, type RedisConnection } from './connection.ts'
import type { RedisScript } from './script.ts'
import { createRedisWriter, type WriteWait } from './writer.ts'

/** How the store talks to Redis: every command has a deadline, and none waits for a connection to come back. */
export interface RedisCommands {
  /** Runs a script that records nothing that must last. */
  run(script: RedisScript, args: readonly string[]): Promise<unknown>
  /** Runs a script and waits until what it wrote is as safe as asked. */
  write(script: RedisScript, args: readonly string[]): Promise<unknown>
  /** Sends a command about the store's keys. */
  send(args: string[]): Promise<unknown>
  /** Sends a command about the server itself. */
  ask(args: readonly string[]): Promise<unknown>
  /** Opens a connection for one follower. */
  open(): Promise<RedisConnection>
  /** Runs a script on a connection of its own. */
  runOn(connection: RedisConnection, script: RedisScript, args: readonly string[]): Promise<unknown>
  /** All keys begin with it; its hash tag keeps them in one slot. */
  readonly prefix: string
  /** Closes the connections that it opened. */
  close(): void
}

/** What {@link createRedisCommands} is made of. */
export interface RedisCommandsParts {
  readonly client: RedisLike | RedisClusterLike
  readonly prefix: string
  readonly deadlineMs: number
  /** What every write waits for. */
  readonly waits: readonly WriteWait[]
}

type Send = (args: string[]) => Promise<unknown>

/** Gives the store its commands. */
export function createRedisCommands({ client, prefix, deadlineMs, waits }: RedisCommandsParts): RedisCommands {
  const opened = new Set<RedisConnection>()

  const send: Send = (args) => {
    if (isCluster(client)) return beforeDeadline(client.sendCommand(prefix, false, args), deadlineMs)
    // The driver would keep the command until the connection is back, and run it long after its caller has given up.
    if (client.isReady === false) return Promise.reject(new Error('Redis is not connected'))
    return beforeDeadline(client.sendCommand(args), deadlineMs)
  }
  const runBy = async (sendBy: Send, script: RedisScript, args: readonly string[]) => {
    try {
      return await sendBy(['EVALSHA', script.sha, '1', prefix, ...args])
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return sendBy(['EVAL', script.text, '1', prefix, ...args])
    }
  }
  const node = async (): Promise<RedisLike> =>
    isCluster(client) ? beforeDeadline(client.getNodeClientForKey(prefix), deadlineMs) : client
  const open = async () => {
    const connection = await openConnection(await node(), deadlineMs)
    for (const old of opened) if (!old.isOpen) opened.delete(old)
    opened.add(connection)
    return connection
  }
  const run: RedisCommands['run'] = (script, args) => runBy(send, script, args)
  const runOn: RedisCommands['runOn'] = (connection, script, args) =>
    runBy((words) => connection.send(words, deadlineMs), script, args)

  return {
    run,
    send,
    write: waits.length === 0 ? run : createRedisWriter({ open, runOn, waits, deadlineMs }),
    async ask(args) {
      return beforeDeadline((await node()).sendCommand([...args]), deadlineMs)
    },
    open,
    runOn,
    prefix,
    close() {
      for (const connection of opened) connection.close()
      opened.clear()
    },
  }
}
