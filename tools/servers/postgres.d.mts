/** A PostgreSQL server that nobody else uses. */
export interface PrivatePostgres {
  readonly url: string
  readonly port: number
  /** Sends the signal to the server and waits for its end. The default, SIGKILL, is a crash; SIGQUIT an immediate stop. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again on the same data and port. */
  start(): Promise<void>
  /** Stops it and removes its folder. */
  dispose(): Promise<void>
}

/** Starts a server that nobody else uses; `settings` are PostgreSQL's own. */
export function startPostgres(options?: { readonly settings?: Record<string, string> }): Promise<PrivatePostgres>

/** The server named by TEST_POSTGRES_URL, or a private one. */
export function postgresForTests(): Promise<{ readonly url: string; dispose(): Promise<void> }>
