import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readJournal, writeJournal } from './journal.ts'
import { judge } from './model.ts'
import { reportOf } from './report.ts'
import { runUnderFire } from './run.ts'

// The long run is `npm run fire`; docs/fire.md has its figures. Other tests load this machine at the same time, so that an
// answer of 503 says nothing about the service here.
const SEED = Number(process.env.FIRE_SEED ?? Date.now() % 1_000_000)
const brief = { seed: SEED, users: 24, thinkMs: 150 }

describe(`three instances under fire, seed ${SEED}`, () => {
  it('accept no dead token and lose no session, and a journal judges itself the same again', async () => {
    const journal = await runUnderFire({
      ...brief,
      seconds: 9,
      faults: [{ what: 'kill a node' }, { what: 'restart Redis empty' }, { what: 'kill PostgreSQL' }],
    })
    const verdict = judge(journal)
    const broken = verdict.violations.filter(({ fault }) => fault !== 'unavailable')
    expect(
      broken.map(({ fault }) => fault),
      reportOf(journal, verdict),
    ).toEqual([])
    expect(verdict.checked.deadTokens).toBeGreaterThan(200)
    expect(verdict.checked.liveTokens).toBeGreaterThan(200)
    expect(verdict.checked.sharedRefreshes).toBeGreaterThan(10)

    const folder = mkdtempSync(join(tmpdir(), 'rescind-journal-'))
    try {
      writeJournal(join(folder, 'journal'), journal)
      expect(judge(readJournal(join(folder, 'journal')))).toEqual(verdict)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 120_000)

  // Each of these is a build that is broken in one place: who runs it must be told.
  it.each([
    {
      name: 'one node that checks no revocation',
      sabotage: { name: 'no-check', nodes: ['b'] },
      seconds: 2,
      faults: [],
      told: 'dead_token_accepted',
    },
    {
      name: 'a replica that ignores how old it is',
      sabotage: { name: 'no-staleness', nodes: ['b'] },
      seconds: 7,
      faults: [{ what: 'black-hole a node', node: 'b' }],
      told: 'dead_token_accepted',
    },
    {
      name: 'a rotation without its lock',
      sabotage: { name: 'no-lock', nodes: ['a', 'b', 'c'] },
      seconds: 3,
      faults: [],
      told: 'two_successors',
    },
  ] as const)(
    '$name is found out',
    async ({ sabotage, seconds, faults, told }) => {
      const journal = await runUnderFire({ ...brief, seconds, faults, sabotage, looksOnceMore: false })
      const verdict = judge(journal)
      const found = verdict.violations.filter(({ fault }) => fault === told)
      expect(found.length, reportOf(journal, verdict)).toBeGreaterThan(0)
      if (sabotage.nodes.length === 1)
        expect(new Set(found.map(({ act }) => act.node))).toEqual(new Set(sabotage.nodes))
    },
    120_000,
  )
})
