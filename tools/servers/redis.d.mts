/** A Redis or Valkey server of the caller's own. */
export interface PrivateRedis {
  readonly url: string
  readonly port: number
  /** Where it keeps its data. */
  readonly folder: string
  /** Ends the process; `SIGKILL` unless told otherwise. Resolves once it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again, with the same folder and port. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  dispose(): Promise<void>
}

/** How {@link startRedis} sets the server up. */
export interface StartRedisOptions {
  /** `aof`: an append-only file, flushed before every answer. Default `none`. */
  readonly persistence?: 'none' | 'aof'
  /** More arguments, as in `['--maxmemory', '10mb']`. */
  readonly config?: readonly string[]
}

/**
 * Starts a server of its own on a free port, with its data in a folder of its own. Installs Debian's package where the
 * binary is missing and this process may, and throws otherwise.
 */
export function startRedis(options?: StartRedisOptions): Promise<PrivateRedis>

/** The server that TEST_REDIS_URL names, or a private one. */
export function redisForTests(): Promise<{ readonly url: string; dispose(): Promise<void> }>
