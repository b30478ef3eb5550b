/** An nginx of a test's own. */
export interface NginxServer {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/**
 * Starts nginx in the foreground, without root's rights being needed, in a folder of its own.
 *
 * @param config the whole configuration; `LISTEN` in it stands for the address to listen on
 */
export function startNginx(config: string): Promise<NginxServer>
