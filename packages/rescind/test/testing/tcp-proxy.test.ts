import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createTcpProxy, eventually, type TcpProxy } from 'rescind/testing'
import { afterEach, beforeEach, describe, it } from 'vitest'

let echo: Server
let atServer: Socket[]
let proxy: TcpProxy

beforeEach(async () => {
  atServer = []
  echo = createServer((socket) => {
    atServer.push(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await createTcpProxy({ port: portOf(echo) })
})

afterEach(async () => {
  await proxy.close()
  for (const socket of atServer) socket.destroy()
  echo.close()
})

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A client that remembers what it has heard. */
async function dial() {
  const socket = connect(proxy.port, '127.0.0.1')
  const client = { socket, heard: '', closed: false }
  socket.on('data', (data) => {
    client.heard += data
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    client.closed = true
  })
  await once(socket, 'connect')
  return client
}

describe('createTcpProxy', () => {
  it('passes on what both sides say, however much, and that one has ended', async () => {
    const client = await dial()
    const much = 'x'.repeat(5_000_000)
    client.socket.write(`${much}.`)
    await eventually(() => client.heard.endsWith('.'))
    equal(client.heard.length, much.length + 1)
    equal(proxy.connections, 1)
    client.socket.end()
    await eventually(() => client.closed && proxy.connections === 0)
    await eventually(() => atServer.every((socket) => socket.destroyed))
  })

  it('shows a client that the server has ended', async () => {
    const client = await dial()
    await eventually(() => atServer.length === 1)
    atServer[0]?.destroy()
    await eventually(() => client.closed && proxy.connections === 0)
  })

  it('cuts what is open and what comes, until it is healed', async () => {
    const client = await dial()
    proxy.cut()
    await eventually(() => client.closed && proxy.connections === 0)
    const refused = connect(proxy.port, '127.0.0.1')
    await rejects(once(refused, 'end'), { code: 'ECONNRESET' })
    proxy.heal()
    const again = await dial()
    again.socket.write('back')
    await eventually(() => again.heard === 'back')
  })

  it('swallows what is said while it drops, on old connections and new ones, and delivers it in order once healed', async () => {
    const old = await dial()
    old.socket.write('1')
    await eventually(() => old.heard === '1')
    proxy.drop()
    old.socket.write('2')
    const young = await dial()
    young.socket.write('3')
    // What is not dropped would be back long before a connection that is closed is noticed.
    const gone = await dial()
    gone.socket.destroy()
    await eventually(() => proxy.connections === 2)
    deepEqual([old.heard, young.heard, old.closed, young.closed], ['1', '', false, false])
    proxy.heal()
    await eventually(() => old.heard === '12' && young.heard === '3')
  })

  it('keeps from a client that the server has ended while it drops', async () => {
    const client = await dial()
    await eventually(() => atServer.length === 1)
    proxy.drop()
    atServer[0]?.destroy()
    const other = await dial()
    other.socket.destroy()
    await eventually(() => proxy.connections === 1)
    equal(client.closed, false)
    proxy.heal()
    await eventually(() => client.closed)
  })

  it('delays what is said and keeps its order', async () => {
    const client = await dial()
    proxy.delay(20)
    const sentAt = performance.now()
    for (const word of ['a', 'b', 'c']) client.socket.write(word)
    await eventually(() => client.heard === 'abc')
    ok(performance.now() - sentAt >= 40)
  })
})
