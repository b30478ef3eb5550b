import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rescind } from './support/command-line.ts'

const REFERENCE = join(import.meta.dirname, '../../../docs/reference/cli.md')
const HEADING = '## Commands\n'

const help = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await rescind([...words, '--help'], {})
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const rows = (await rescind(['--help'], {})).stdout.matchAll(/^ {2}rescind (.+?) {2,}(.+)$/gm)
const commands = [...rows].map(([, name = '', summary = '']) => ({ name, summary }))

it('the overview has every group', () => {
  const groups = new Set(commands.map(({ name }) => name.split(' ')[0]))
  const wanted = 'serve migrate doctor user client session revoke keys prune export'
  expect([...groups]).toEqual(wanted.split(' '))
})

it('the reference holds the help of every command (npx vitest run -u writes it anew)', async () => {
  const [preface = ''] = readFileSync(REFERENCE, 'utf8').split(HEADING, 1)
  const sections = await Promise.all(
    commands.map(async ({ name }) => `### rescind ${name}\n\n\`\`\`text\n${await help(...name.split(' '))}\`\`\`\n`),
  )
  await expect(`${preface}${HEADING}\n${sections.join('\n')}`).toMatchFileSnapshot(REFERENCE)
})

describe.each(commands)('the help of $name', ({ name, summary }) => {
  it('has its usage, an example of it, and lines that fit', async () => {
    const text = await help(...name.split(' '))
    expect(text).toMatch(new RegExp(`^usage: rescind ${name}.*\n\n`))
    expect(text).toMatch(new RegExp(`\nexample: rescind ${name}`))
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120)
  })

  it('is found from the overview and from that of its group', async () => {
    expect(await help()).toContain(`rescind ${name} `)
    const [group = '', word] = name.split(' ')
    if (word === undefined) return
    const overview = await help(group)
    expect(overview).toContain(summary)
    for (const line of overview.split('\n').filter((line) => line.startsWith('  '))) {
      expect(line).toMatch(new RegExp(`^  rescind ${group} `))
    }
  })
})
