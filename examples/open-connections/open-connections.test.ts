import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TokenPair } from 'rescind'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
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
