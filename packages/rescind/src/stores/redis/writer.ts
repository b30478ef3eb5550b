import type { RedisConnection } from './connection.ts'
import type { RedisScript } from './script.ts'

/** A command that waits until what its connection wrote before is safe, and what it must answer. */
export interface WriteWait {
  readonly args: readonly string[]
  readonly timeoutMs: number
  /** What is missing, in words, or `null` when the reply says that all is safe. */
  missing(reply: unknown): string | null
}

interface WriterParts {
  open(): Promise<RedisConnection>
  runOn(connection: RedisConnection, script: RedisScript, args: readonly string[]): Promise<unknown>
  readonly waits: readonly WriteWait[]
  readonly deadlineMs: number
}

/**
 * Runs scripts on a connection for writes alone, and waits after each: WAIT and WAITAOF count only what their own
 * connection wrote, and hold up all that comes after them on it.
 */
export function createRedisWriter({ open, runOn, waits, deadlineMs }: WriterParts) {
  let current: Promise<RedisConnection> | null = null
  const connected = async (): Promise<RedisConnection> => {
    const known = current
    if (known !== null) {
      const connection = await known.catch(() => null)
      if (connection?.isOpen === true) return connection
      // Another write may have opened the next one meanwhile.
      if (current === known) current = null
    }
    current ??= open()
    return current
  }
  return async (script: RedisScript, args: readonly string[]): Promise<unknown> => {
    const connection = await connected()
    const reply = await runOn(connection, script, args)
    for (const wait of waits) {
      const missing = wait.missing(await connection.send([...wait.args], wait.timeoutMs + deadlineMs))
      if (missing !== null) throw new Error(missing)
    }
    return reply
  }
}
