import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/**
 * Calls an exported function in a process of its own, with `{ ...options, report }`: it meets neither the heap of others
 * nor what the compiler has learnt from them. What it reports is reported here.
 *
 * @param module the URL of the file that exports it
 */
export async function apart(module, name, options, { report, execArgv = [] }) {
  const args = [module, name, JSON.stringify(options)]
  const child = fork(join(import.meta.dirname, 'apart-process.mjs'), args, { execArgv })
  child.on('message', ([method, ...given]) => report[method](...given))
  const code = await ended(child)
  if (code !== 0) throw new Error(`${name} ended with code ${code}`)
}

/** The exit code of a process, once its last message has come: that may be after its exit. */
export async function ended(child) {
  const [[code]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  return code
}
