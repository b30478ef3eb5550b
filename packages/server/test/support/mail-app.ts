import { smtpTransport } from '../../src/mail/smtp.ts'
import { type MailServer, startMailServer, type TakenMail } from './mail-server.ts'
import { secretIn } from './read-mail.ts'
import { type RunningApp, type StartOptions, startApp } from './start-app.ts'

export const PUBLIC_URL = 'https://app.example.test/people'
export const FROM = 'Example <no-reply@example.test>'

/** An application that sends its mails to a real mail server. */
export interface MailApp extends RunningApp {
  readonly mailServer: MailServer
  /** The secret in the last mail to an address that has a link; waits until there are so many mails. */
  secretFor(address: string, count?: number): Promise<string>
}

export async function startMailApp(options: StartOptions = {}): Promise<MailApp> {
  const mailServer = await startMailServer()
  const transport = smtpTransport(mailServer.url, FROM)
  const app = await startApp({
    mail: { transport, publicUrl: PUBLIC_URL, retryDelaysMs: [20, 20], maxDelayMs: 0 },
    ...options,
  })
  return {
    ...app,
    mailServer,
    async secretFor(address, count = 1) {
      const last = (await mailServer.to(address, count)).at(-1) as TakenMail
      return secretIn(last)
    },
    async close() {
      await app.close()
      transport.close()
      await mailServer.close()
    },
  }
}
