import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { expect } from 'vitest'
import { type ReadMail, readMail } from './read-mail.ts'

/** A mail that a server took. */
export interface TakenMail extends ReadMail {
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
}

/** A real mail server on this machine that keeps what it is sent. */
export interface MailServer {
  readonly url: string
  readonly mails: readonly TakenMail[]
  /** The mails to an address; waits until there are so many. */
  to(address: string, count?: number): Promise<readonly TakenMail[]>
  /** How the next deliveries go: refused with a code of SMTP's, for so many tries. */
  refuse(code: number, times: number): void
  /** How many tries to deliver there were. */
  tries(): number
  close(): Promise<void>
}

export async function startMailServer(): Promise<MailServer> {
  const mails: TakenMail[] = []
  const refusal = { code: 0, times: 0 }
  let tries = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo(_address, _session, callback) {
      tries += 1
      refusal.times -= 1
      if (refusal.times < 0) return callback()
      callback(Object.assign(new Error('not now'), { responseCode: refusal.code }))
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const envelope = { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) }
        mails.push({ ...readMail(Buffer.concat(chunks).toString()), envelope })
        callback()
      })
    },
  })
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const sentTo = (address: string) => mails.filter(({ envelope }) => envelope.to.includes(address))
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    async to(address, count = 1) {
      await expect.poll(() => sentTo(address).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
      return sentTo(address)
    },
    refuse: (code, times) => Object.assign(refusal, { code, times }),
    tries: () => tries,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
