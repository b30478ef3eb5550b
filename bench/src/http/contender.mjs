import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Starts one of the servers in Node, in a process of its own. */
export async function startContender(name, options = {}) {
  const child = fork(join(import.meta.dirname, 'server.mjs'), [name, JSON.stringify(options)])
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} ended (${code ?? signal})`)
  })
  ended.catch(() => {})
  const told = async () => (await Promise.race([once(child, 'message'), ended]))[0]
  const { port, headerLines } = await told()
  return {
    port,
    headerLines,
    async usage() {
      child.send('usage')
      return told()
    },
    async stop() {
      child.kill()
      await ended.catch(() => {})
    },
  }
}
