import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runToEnd, startExample } from './process.ts'

/** Defines the tests of how an example starts and ends, which are alike in all that keep something. */
export function describeLifecycle(name: string, env: () => Readonly<Record<string, string>>): void {
  describe('the process', () => {
    it('ends when it is told to, though a client never finishes its request', async () => {
      const app = await startExample(name, env())
      const { hostname, port } = new URL(app.url)
      const socket = connect(Number(port), hostname)
      onTestFinished(() => {
        socket.destroy()
      })
      socket.on('error', () => {})
      const half = 'POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{'
      await new Promise((sent) => socket.write(half, sent))
      // Once this is answered, the server has seen what came before.
      expect((await app.call('GET /nothing')).status).toBe(404)
      expect(await app.stop()).toBe(0)
    })

    it('says in one line why it cannot start', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      onTestFinished(() => {
        other.close()
      })
      for (const PORT of [String((other.address() as AddressInfo).port), 'abc', '70000']) {
        const { code, output } = await runToEnd(name, 'main.mjs', { ...env(), PORT })
        expect([PORT, code, output]).toEqual([PORT, 1, expect.stringMatching(/^cannot start: .*(EADDRINUSE|port)/m)])
        expect(output).not.toMatch(/^ +at /m)
      }
    })
  })
}
