import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeClock } from 'rescind/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Mail } from '../src/mail/mailer.ts'
import { outboxTransport } from '../src/mail/outbox.ts'
import { build } from './support/process.ts'

// One test starts a process.
beforeAll(build, 120_000)

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

/** An outbox whose clock stands still; `deliver` answers the names of the mails, the oldest first. */
function openOutbox(maxMails?: number) {
  const written: string[] = []
  const onWritten = (file: string) => void written.push(file)
  const clock = createFakeClock(Date.parse('2026-01-01'))
  const options = { onWritten, clock, ...(maxMails && { maxMails }) }
  const { deliver } = outboxTransport(folder, 'no-reply@example.test', options)
  return {
    clock,
    async deliver(count: number) {
      for (let at = 0; at < count; at += 1) await deliver(mail)
      return written.splice(0)
    },
  }
}

describe('the outbox is bounded', () => {
  it('to the newest mails: the oldest are removed', async () => {
    const [, newestBefore = ''] = leave(2, (stamp) => `${stamp}.eml`)
    const { deliver } = openOutbox(3)
    const written = await deliver(2)
    expect(files()).toEqual([newestBefore, ...written])
    expect(files()).toHaveLength(3)
    const more = await deliver(3)
    expect(files()).toEqual(more)
  })

  it('to 1,000 mails unless it is told otherwise, also where there are more already', async () => {
    const before = leave(1_000, (stamp) => `${stamp}.eml`)
    const more = leave(2, (stamp) => `${stamp.replace('2025', '2024')}.eml`)
    const [written = ''] = await openOutbox().deliver(1)
    expect(files()).toEqual([...before.slice(1), written])
    expect(files()).not.toContain(more[0])
  })

  it('by what a crash left half-written too; the files of others are let be', async () => {
    leave(2, (stamp) => `.${stamp}.eml`)
    const kept = ['.gitkeep', 'notes.eml', 'read me.txt']
    for (const name of kept) writeFileSync(join(folder, name), '')
    const written = await openOutbox(2).deliver(4)
    expect(files()).toEqual([...kept, ...written.slice(2)].sort())
  })

  it('also where mails are written within one millisecond, or after the clock was set back', async () => {
    const { deliver, clock } = openOutbox(5)
    const atOnce = await deliver(20)
    expect(files()).toEqual(atOnce.slice(-5))
    clock.jump(clock.now() - 60_000)
    const later = await deliver(3)
    expect(files()).toEqual([...atOnce.slice(-2), ...later])
  })

  it('and delivers also beside what cannot be removed, like a folder with the name of a mail', async () => {
    const [stuck = ''] = leave(1, (stamp) => `${stamp}.eml`)
    rmSync(join(folder, stuck))
    mkdirSync(join(folder, stuck))
    const written = await openOutbox(2).deliver(4)
    expect(files()).toEqual([stuck, ...written.slice(2)])
  })

  it('and a mail that cannot be written, as on a full disk, costs no other one its place', async () => {
    const before = leave(3, (stamp) => `${stamp}.eml`)
    const outbox = new URL('../dist/mail/outbox.js', import.meta.url).href
    const program = `
      const { outboxTransport } = await import(${JSON.stringify(outbox)})
      const { deliver } = outboxTransport(${JSON.stringify(folder)}, 'no-reply@example.test', { onWritten() {}, maxMails: 3 })
      const long = 'Hello. '.repeat(5_000)
      const mail = { to: 'ada@example.test', letter: { subject: 'Hello', text: long, html: long } }
      for (let at = 0; at < 3; at += 1) await deliver(mail).catch(({ code }) => console.log(code))`
    // No file may grow past 8 blocks: the disk takes a part of the mail, and then no more.
    const shell = ['-c', 'ulimit -f 8; exec "$0" --input-type=module --eval "$1"', process.execPath, program]
    expect(execFileSync('/bin/sh', shell, { encoding: 'utf8' })).toBe('EFBIG\n'.repeat(3))
    expect(files()).toEqual(before)
  })
})
