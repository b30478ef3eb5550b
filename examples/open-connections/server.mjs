// A WebSocket and a stream of events that end when the token that opened them is revoked or expires.
import { createServer } from 'node:http'
import { createKeyRing, createRescind, generateKey, problemAnswer } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { WebSocketServer } from 'ws'

/** 4000 to 4999 are for applications (RFC 6455 §7.4.2). */
const SESSION_ENDED = 4401

/** Makes the server, not listening yet; `POST /login` answers tokens, so that there is something to try it with. */
export async function createExample() {
  const keys = createKeyRing({ active: generateKey('EdDSA') })
  const auth = createRescind({ store: memoryStore(), keys, allowVolatile: true })
  await auth.ready()
  const sockets = new WebSocketServer({ noServer: true })

  const check = (request) => auth.check({ method: request.method ?? 'GET', header: (name) => request.headers[name] })

  const routes = {
    async 'POST /login'(_request, response) {
      response.end(JSON.stringify(await auth.issue({ sub: 'alice' })))
    },
    async 'POST /logout'(_request, response, principal) {
      await auth.revoke.session(principal.sid, { by: principal.sub, reason: 'logout' })
      response.writeHead(204).end()
    },
    async 'GET /events'(_request, response, principal) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      const ticking = setInterval(() => response.write(`data: ${new Date().toISOString()}\n\n`), 1_000)
      response.write(': hello\n\n')
      response.on('close', () => clearInterval(ticking))
      // One line per kind of connection: this is all there is to it.
      principal.revoked.addEventListener('abort', () => response.end('event: end\ndata: session ended\n\n'))
    },
  }

  const server = createServer(async (request, response) => {
    const name = `${request.method} ${request.url}`
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (route === undefined) return response.writeHead(404).end()
    const decision = name === 'POST /login' ? { ok: true, principal: null } : await check(request)
    if (decision.ok) return route(request, response, decision.principal)
    const { status, headers, body } = problemAnswer(decision.error)
    response.writeHead(status, headers).end(JSON.stringify(body))
  })

  server.on('upgrade', async (request, socket, head) => {
    // A client may reset its connection while it is checked or refused: unheard, that would end the process.
    socket.on('error', () => socket.destroy())
    const decision = await check(request)
    if (!decision.ok) return socket.end(`HTTP/1.1 ${decision.error.status} Refused\r\nConnection: close\r\n\r\n`)
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      // So would a frame that breaks the protocol.
      webSocket.on('error', () => webSocket.terminate())
      const { revoked } = decision.principal
      if (revoked.aborted) return webSocket.close(SESSION_ENDED, 'session ended')
      revoked.addEventListener('abort', () => webSocket.close(SESSION_ENDED, 'session ended'))
      webSocket.on('message', (data) => webSocket.send(`${decision.principal.sub} said: ${data}`))
    })
  })
  server.on('close', () => auth.close())
  return server
}
