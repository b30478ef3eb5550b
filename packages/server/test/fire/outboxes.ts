import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMail, secretIn } from '../support/read-mail.ts'

/** The mails that the nodes write into folders, as the people read them whom they are for. */
export interface Outboxes {
  /** The secret in the newest link that was mailed to an address since it was last asked for. */
  take(address: string): string | undefined
}

/** Reads the folders anew each time that it is asked, but each mail once. */
export function createOutboxes(folders: readonly string[]): Outboxes {
  const read = new Set<string>()
  const secrets = new Map<string, string>()
  const look = () => {
    for (const folder of folders) {
      for (const file of filesIn(folder)) {
        const path = join(folder, file)
        if (file.startsWith('.') || read.has(path)) continue
        read.add(path)
        const mail = readMail(readFileSync(path, 'utf8'))
        const isReset = mail.text.includes('#token=')
        if (isReset) secrets.set(mail.headers.get('to') ?? '', secretIn(mail))
      }
    }
  }
  return {
    take(address) {
      look()
      const secret = secrets.get(address)
      secrets.delete(address)
      return secret
    },
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // The first mail makes it.
    return []
  }
}
