import { connect } from 'node:net'

/**
 * Keep-alive connections that ask for one thing after the other, with as little work of their own as can be: the
 * generator of the load must not be what is measured. `next(connection)` answers the next request of a connection, or
 * `null` when it is done, at once or by a promise; `heard(connection, answer)` is told what came back.
 */
export async function onConnections(url, count, { next, heard = () => {} }) {
  const { hostname, port } = new URL(url)
  await Promise.all(Array.from({ length: count }, (_, number) => converse({ hostname, port, number, next, heard })))
}

/** The text of a request. */
export function requestText(method, path, { token, body } = {}) {
  const json = body === undefined ? '' : JSON.stringify(body)
  const lines = [`${method} ${path} HTTP/1.1`, 'host: bench']
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`)
  if (json !== '') lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(json)}`)
  else if (method !== 'GET') lines.push('content-length: 0')
  return `${lines.join('\r\n')}\r\n\r\n${json}`
}

function converse({ hostname, port, number, next, heard }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    let received = ''
    let over = false
    const finish = (error) => {
      if (over) return
      over = true
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    const send = (text) => {
      if (text === null) finish()
      else if (!over) socket.write(text)
    }
    const ask = () => {
      const text = next(number)
      // A promise takes a turn of its own, which the fastest load has no time for.
      if (text instanceof Promise) text.then(send, finish)
      else send(text)
    }
    // Answers are ASCII here, so that characters are bytes.
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('data', (text) => {
      received += text
      const answer = wholeAnswer(received)
      if (answer === null) return
      received = ''
      try {
        heard(number, answer)
        ask()
      } catch (error) {
        finish(error)
      }
    })
    socket.on('error', finish)
    socket.on('close', () => finish(new Error('the service closed the connection')))
  })
}

function wholeAnswer(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const status = Number(text.slice(9, 12))
  const head = text.slice(0, end)
  const length = status === 204 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
  if (Number.isNaN(length)) throw new Error(`an answer of unknown length: ${head}`)
  if (text.length < end + 4 + length) return null
  return { status, head, body: text.slice(end + 4, end + 4 + length) }
}
