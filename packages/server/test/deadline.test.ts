import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { DeadlineError, withDeadline } from '../src/deadline.ts'

const DEADLINE_MS = 20

/** Keeps the process from doing anything else. */
const holdUp = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Both ends of a connection. */
async function openConnection(): Promise<{ here: Socket; there: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const accepted = once(server, 'connection')
  const here = connect(address.port, '127.0.0.1')
  const [there] = (await accepted) as [Socket]
  onTestFinished(() => {
    here.destroy()
    there.destroy()
    server.close()
  })
  return { here, there }
}

it('an answer that came while the process was held up is in time', async () => {
  const { here, there } = await openConnection()
  const answer = once(here, 'data').then(String)
  // From here on timers are the next to run, not sockets.
  await turn()
  const inTime = withDeadline(answer, DEADLINE_MS)
  there.write('here it is')
  holdUp(5 * DEADLINE_MS)
  await expect(inTime).resolves.toBe('here it is')
})

it('no answer is an error at the deadline, and the error of the work is passed on', async () => {
  await expect(withDeadline(new Promise(() => {}), DEADLINE_MS)).rejects.toThrow(new DeadlineError(DEADLINE_MS))
  await expect(withDeadline(Promise.reject(new Error('broken')), DEADLINE_MS)).rejects.toThrow('broken')
})
