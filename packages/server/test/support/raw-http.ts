import { connect } from 'node:net'

/** Sends bytes that `fetch` would not, and answers all that comes back until the other side hangs up. */
export function sendRaw(port: number, bytes: string, timeoutMs = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.on('error', (error) =>
      chunks.length > 0 ? resolve(Buffer.concat(chunks).toString('latin1')) : reject(error),
    )
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer')))
  })
}
