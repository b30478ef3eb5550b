import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const packages = join(import.meta.dirname, '../..')
const document = readFileSync(join(packages, '../docs/security.md'), 'utf8')

const rows = document
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\|? *| *\|?$/g, '')))

it('names tests that are there', () => {
  const named = [...document.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, path = '']) => path)
  expect(named.length).toBeGreaterThan(100)
  const missing = named.filter((path) => !existsSync(fileOf(path)))
  expect([...new Set(missing)]).toEqual([])
})

function fileOf(path: string): string {
  return path.startsWith('server/')
    ? join(packages, 'server/test', path.slice('server/'.length))
    : join(packages, 'rescind/test', path)
}

it('has a test for every row of level 1 and 2, or says why not', () => {
  const asked = rows.filter(([no = '', level = '']) => /^\d+\.\d+\.\d+/.test(no) && /^[123]/.test(level))
  expect(asked.length).toBeGreaterThan(80)
  for (const [no, , how = '', shown = ''] of asked) {
    expect(how.length, no).toBeGreaterThan(10)
    if (shown === 'none') expect(how, no).toMatch(/^(not |nothing )/)
    else expect(shown, no).toMatch(/\.test\.ts`/)
  }
})

it('has every row of the attack list', () => {
  const listed = rows.map(([no = '']) => no).filter((no) => /^A\d+$/.test(no))
  expect(listed).toEqual(Array.from({ length: 38 }, (_, at) => `A${at + 1}`))
})
