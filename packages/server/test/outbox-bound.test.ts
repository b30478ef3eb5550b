import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mail } from '../src/mail/mailer.ts'
import { outboxTransport } from '../src/mail/outbox.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'rescind-outbox-bound-')), 'outbox')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

const mail: Mail = { to: 'ada@example.test', letter: { subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' } }
const files = () => readdirSync(folder).sort()

/** Files from last year, the oldest first. */
function leave(count: number, nameOf: (stamp: string) => string): string[] {
  mkdirSync(folder, { recursive: true })
  const names = Array.from({ length: count }, (_, at) =>
    nameOf(`2025-01-01T00-00-00.${String(at).padStart(3, '0')}Z-0123abcd`),
  )
  for (const name of names) writeFileSync(join(folder, name), '')
  return names
}

async function deliver(count: number, maxMails?: number): Promise<string[]> {
  const written: string[] = []
  const onWritten = (file: string) => void written.push(file)
  const transport = outboxTransport(folder, 'no-reply@example.test', { onWritten, ...(maxMails && { maxMails }) })
  for (let at = 0; at < count; at += 1) await transport.deliver(mail)
  transport.close()
  return written.sort()
}

describe('the outbox is bounded', () => {
  it('to the newest mails: the oldest are removed', async () => {
    const [, newestBefore = ''] = leave(2, (stamp) => `${stamp}.eml`)
    const written = await deliver(2, 3)
    expect(files()).toEqual([newestBefore, ...written])
    expect(files()).toHaveLength(3)
    const more = await deliver(3, 3)
    expect(files()).toEqual(more)
  })

  it('to 1,000 mails unless it is told otherwise, also where there are more already', async () => {
    const before = leave(1_000, (stamp) => `${stamp}.eml`)
    const more = leave(2, (stamp) => `${stamp.replace('2025', '2024')}.eml`)
    const [written = ''] = await deliver(1)
    expect(files()).toEqual([...before.slice(1), written])
    expect(files()).not.toContain(more[0])
  })

  it('by what a crash left half-written too; the files of others are let be', async () => {
    leave(2, (stamp) => `.${stamp}.eml`)
    const kept = ['.gitkeep', 'notes.eml', 'read me.txt']
    for (const name of kept) writeFileSync(join(folder, name), '')
    const written = await deliver(4, 2)
    expect(files()).toEqual([...kept, ...written.slice(2)].sort())
  })
})
