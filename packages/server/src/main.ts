#!/usr/bin/env node
import { machineUser } from './cli/machine-user.ts'
import { runCommandLine } from './cli/run.ts'

outliveReaders()
// The database and the key are this user's alone, also where DATA_DIR was made with a wider mode.
process.umask(0o077)
const { argv, env, stdout, stderr } = process
const code = await runCommandLine(argv.slice(2), {
  env,
  directory: process.cwd(),
  user: machineUser(),
  // Opened by the first look at it: the service never looks.
  get stdin() {
    return process.stdin
  },
  stdout,
  stderr,
})
if (code !== 0) process.exit(code)

/** Whoever reads the output may go away first, as a pager or a log collector does; the service has other work to do. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
