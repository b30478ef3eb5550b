import { connect } from 'node:net'

// By hand. autocannon takes longer for a request than the fastest of these servers takes to answer it (18 to 23 µs of
// processor time, against 17 to 18), so that it would measure itself; wrk has to be installed by other means than npm, and
// would take each token out of Lua. This takes 12.5 µs: the requests are made before, and of an answer only the head is read.

const CONNECTIONS = 32
/** Far more than any of these answers has. */
const MAX_ANSWER_BYTES = 16_384
const HEAD_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: *(\d+)/i
const CLOSES = /\r\nconnection: *close/i

/**
 * Sends requests over 32 connections, one at a time over each, until it is stopped. Whatever is not a 200 of the length
 * that its head tells is a failure.
 */
export function startLoad(port, requests) {
  let answers = 0
  let stopping = false
  let fail
  const failure = new Promise((_, reject) => {
    fail = (message) => reject(new Error(`127.0.0.1:${port} ${message}`))
  })
  failure.catch(() => {})
  const sockets = new Set()

  const open = () => {
    const answer = Buffer.allocUnsafe(MAX_ANSWER_BYTES)
    let filled = 0
    const take = (bytes, chunk) => {
      filled += chunk.copy(answer, filled, 0, bytes)
      const text = answer.latin1Slice(0, filled)
      const headEnd = text.indexOf(HEAD_END)
      if (headEnd === -1) return true
      const head = text.slice(0, headEnd)
      const length = headEnd + HEAD_END.length + Number(LENGTH.exec(head)?.[1])
      if (filled < length) return true
      if (filled !== length || !head.startsWith('HTTP/1.1 200 ')) {
        fail(`answered ${text}`)
        return false
      }
      answers += 1
      filled = 0
      if (stopping) socket.destroy()
      else if (CLOSES.test(head)) socket.destroy().once('close', () => stopping || open())
      else socket.write(requests.next())
      return true
    }
    const onread = { buffer: Buffer.allocUnsafe(MAX_ANSWER_BYTES), callback: take }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    sockets.add(socket)
    socket.on('error', (error) => fail(error.message))
    socket.on('end', () => fail('ended a connection'))
    socket.on('close', () => sockets.delete(socket))
    socket.write(requests.next())
  }
  for (let n = 0; n < CONNECTIONS; n += 1) open()

  return {
    get answers() {
      return answers
    },
    /** Rejects as soon as something is wrong. */
    failure,
    /** Resolves when what is on its way has been answered. */
    async stop() {
      stopping = true
      const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
      await Promise.race([Promise.all(closed), failure])
    },
  }
}
