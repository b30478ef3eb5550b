import { randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { MailTransport } from './mailer.ts'
import { messageOf } from './message.ts'

/**
 * Writes mails into a folder that only this user can read, one `.eml` file each, which appears when it is complete. Its
 * name tells nothing of what is in it. `onWritten` hears the name.
 */
export function outboxTransport(folder: string, from: string, onWritten: (file: string) => void): MailTransport {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  return {
    async deliver(mail) {
      const { message } = await composer.sendMail(messageOf(mail, from))
      if (!Buffer.isBuffer(message)) throw new TypeError('the mail was not composed')
      const file = `${new Date().toISOString().replaceAll(':', '-')}-${randomBytes(4).toString('hex')}.eml`
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const unfinished = join(folder, `.${file}`)
      await writeFile(unfinished, message, { mode: 0o600, flag: 'wx' })
      await rename(unfinished, join(folder, file))
      onWritten(file)
    },
    close: () => composer.close(),
  }
}
