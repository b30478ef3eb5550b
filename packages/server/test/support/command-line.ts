import { Readable, Writable } from 'node:stream'
import { runCommandLine } from '../../src/cli/run.ts'

/** What a command line came to. */
export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How a command line is run. */
export interface CommandOptions {
  /** Where `.env` is looked for. @default nowhere */
  readonly directory?: string
  /** What comes by standard input, which is no terminal. @default nothing */
  readonly input?: string | Readable
  /** Whether standard output is a terminal. @default true */
  readonly stdoutIsTty?: boolean
  /** Whether standard error is one. @default false */
  readonly stderrIsTty?: boolean
}

/** Runs `rescind` with these words, in this process. */
export async function rescind(
  args: readonly string[],
  env: Record<string, string>,
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { directory = '/nonexistent', input = '', stdoutIsTty = true, stderrIsTty = false } = options
  const [stdout, stderr] = [collector(stdoutIsTty), collector(stderrIsTty)]
  const stdin = typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input
  const code = await runCommandLine(args, { env, directory, user: 'operator', stdin, stdout, stderr })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** The same where a program reads: the JSON that was shown. */
export async function rescindJson<T>(args: readonly string[], env: Record<string, string>, input = ''): Promise<T> {
  const { code, stdout, stderr } = await rescind(args, env, { input, stdoutIsTty: false })
  if (code !== 0) throw new Error(`${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

function collector(isTTY: boolean) {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return Object.assign(stream, { isTTY, text: () => chunks.join('') })
}

/** A client's credentials. */
export interface TestClient {
  readonly id: string
  readonly secret: string
}

/** Makes a client, as an operator does. */
export async function createClient(env: Record<string, string>, scopes: readonly string[]): Promise<TestClient> {
  const options = scopes.flatMap((scope) => ['--scope', scope])
  const { code, stdout, stderr } = await rescind(['client', 'create', '--name', 'a test', '--json', ...options], env)
  if (code !== 0) throw new Error(stderr)
  const { client_id: id, client_secret: secret } = JSON.parse(stdout) as { client_id: string; client_secret: string }
  return { id, secret }
}

/** The header that shows credentials by HTTP Basic. */
export const basic = ({ id, secret }: TestClient) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
})
