import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { MailTransport } from './mailer.ts'

/** The transport that the configuration names: a mail server, or a folder. `onWritten` hears of each mail in the latter. */
export async function openMailTransport(config: Config, onWritten: (file: string) => void): Promise<MailTransport> {
  if (config.smtpUrl === undefined) {
    const { outboxTransport } = await import('./outbox.ts')
    return outboxTransport(join(config.dataDir, 'outbox'), config.mailFrom, { onWritten })
  }
  const { smtpTransport } = await import('./smtp.ts')
  return smtpTransport(config.smtpUrl, config.mailFrom)
}
