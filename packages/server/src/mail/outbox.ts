import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { type Clock, systemClock } from 'rescind'
import type { MailTransport } from './mailer.ts'
import { messageOf } from './message.ts'

/** How an outbox is kept. */
export interface OutboxOptions {
  /** Hears the name of each file once it is there. */
  readonly onWritten: (file: string) => void
  /** How many mails stay: of more, the oldest are removed. @default 1_000 */
  readonly maxMails?: number
  /** @default the system's */
  readonly clock?: Clock
}

/**
 * Writes mails into a folder that only this user can read, one `.eml` file each, which appears when it is complete. Its
 * name tells nothing of what is in it. A service that nobody gave a mail server must not fill the disk: only the newest
 * mails stay.
 */
export function outboxTransport(folder: string, from: string, options: OutboxOptions): MailTransport {
  const { onWritten, maxMails = 1_000, clock = systemClock } = options
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  let lastMs = 0
  const nextName = (): string => {
    // The names are the order: two mails of one millisecond, or after the clock was set back, must not swap.
    lastMs = Math.max(clock.now(), lastMs + 1)
    return `${new Date(lastMs).toISOString().replaceAll(':', '-')}-${randomBytes(4).toString('hex')}.eml`
  }
  return {
    async deliver(mail) {
      const { message } = await composer.sendMail(messageOf(mail, from))
      if (!Buffer.isBuffer(message)) throw new TypeError('the mail was not composed')
      const file = nextName()
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeWhole(folder, file, message)
      onWritten(file)
      await removeOldest(folder, maxMails)
    },
    close: () => composer.close(),
  }
}

/** Writes a file that appears when it is complete, or else leaves nothing: on a full disk, every byte counts. */
async function writeWhole(folder: string, file: string, content: Buffer): Promise<void> {
  const unfinished = join(folder, `.${file}`)
  try {
    await writeFile(unfinished, content, { mode: 0o600, flag: 'wx' })
    await rename(unfinished, join(folder, file))
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw error
  }
}

// With a dot before it while it is being written: a crash may have left one. A file with another name is not ours.
const MAIL = /^\.?(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[\da-f]{8}\.eml)$/

/** Removes the oldest mails until as many are left as may stay. Their names begin with when they were written. */
async function removeOldest(folder: string, maxMails: number): Promise<void> {
  const files = await readdir(folder).catch(() => [])
  const mails = files.flatMap((file) => {
    const name = MAIL.exec(file)?.[1]
    return name === undefined ? [] : [{ file, name }]
  })
  mails.sort((one, other) => (one.name < other.name ? -1 : 1))
  for (const { file } of mails.slice(0, Math.max(0, mails.length - maxMails))) {
    // Another delivery may have removed it. What cannot be removed, like a folder of such a name, must not fail the mail,
    // which is there already.
    await rm(join(folder, file), { force: true }).catch(() => {})
  }
}
