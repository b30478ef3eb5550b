import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { TokenPair } from 'rescind'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { startExample } from '../support/process.ts'
import { createExample } from './server.mjs'

async function start() {
  const server = await createExample()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const call = (method: string, path: string, token?: string) =>
    fetch(`http://${origin}${path}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })
  const logIn = async () => (await (await call('POST', '/login')).json()) as TokenPair
  const openSocket = async (token: string) => {
    const socket = new WebSocket(`ws://${origin}/`, { headers: { authorization: `Bearer ${token}` } })
    await once(socket, 'open')
    return socket
  }
  return { call, logIn, openSocket, origin }
}

it('a logout ends the open WebSocket and the stream of events of that session, and of no other', async () => {
  const { call, logIn, openSocket } = await start()
  const [leaving, staying] = [await logIn(), await logIn()]
  const sockets = { leaving: await openSocket(leaving.accessToken), staying: await openSocket(staying.accessToken) }
  const events = await call('GET', '/events', leaving.accessToken)
  expect(events.status).toBe(200)
  const closed = once(sockets.leaving, 'close')
  expect((await call('POST', '/logout', leaving.accessToken)).status).toBe(204)
  expect((await closed)[0]).toBe(4401)
  expect(await events.text()).toMatch(/event: end\ndata: session ended\n\n$/)
  sockets.staying.send('hello')
  expect(String((await once(sockets.staying, 'message'))[0])).toBe('alice said: hello')
  sockets.staying.terminate()
})

it('refuses a revoked token before it opens anything', async () => {
  const { call, logIn, origin } = await start()
  const { accessToken } = await logIn()
  await call('POST', '/logout', accessToken)
  expect((await call('GET', '/events', accessToken)).status).toBe(401)
  const socket = new WebSocket(`ws://${origin}/`, { headers: { authorization: `Bearer ${accessToken}` } })
  const [error] = await once(socket, 'error')
  expect(String(error)).toContain('401')
  expect((await call('GET', '/__proto__', accessToken)).status).toBe(404)
})

it('a client that resets its connection, or breaks the protocol, ends nothing but its own connection', async () => {
  const app = await startExample('open-connections', {})
  onTestFinished(async () => {
    await app.stop()
  })
  const { accessToken } = (await app.call('POST /login')).body
  const upgrade = (authorization: string) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
    )
    socket.write(`Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${authorization}\r\n`)
    return socket
  }
  for (const authorization of ['', 'Authorization: Bearer x.y.z\r\n', `Authorization: Bearer ${accessToken}\r\n`]) {
    for (let round = 0; round < 10; round += 1) {
      const socket = upgrade(authorization)
      await new Promise((sent) => socket.write('x'.repeat(20_000), sent))
      socket.resetAndDestroy()
    }
  }
  const breaking = upgrade(`Authorization: Bearer ${accessToken}\r\n`)
  expect(String((await once(breaking, 'data'))[0])).toContain('101 Switching Protocols')
  const closed = once(breaking.resume(), 'close')
  breaking.write(Buffer.from([0xff, 0xff, 0xff]))
  await closed
  expect((await app.call('POST /login')).status).toBe(200)
})
