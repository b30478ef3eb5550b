import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readJournal, writeJournal } from './journal.ts'
import { judge } from './model.ts'
import { reportOf } from './report.ts'
import { runUnderFire } from './run.ts'
import type { Violation } from './violations.ts'

// The long run is `npm run fire`; docs/fire.md has its figures. Other tests load this machine at the same time, so that an
// answer of 503 says nothing about the service here.
const SEED = Number(process.env.FIRE_SEED ?? Date.now() % 1_000_000)
const brief = { seed: SEED, users: 24, thinkMs: 150 }
// On such a machine little may happen within these seconds: a broken build that was not found out gets this many runs.
const RUNS = 3

describe(`three instances under fire, seed ${SEED}`, () => {
  it('accept no dead token and lose no session, and a journal judges itself the same again', async () => {
    const planned = [{ what: 'kill a node' }, { what: 'restart Redis empty' }, { what: 'kill PostgreSQL' }] as const
    const journal = await runUnderFire({
      ...brief,
      seconds: 9,
      quietMs: 1_000,
      faults: planned,
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
    // Nearly everybody logs in and is robbed at the end, whatever time the machine had for them.
    expect(verdict.checked.logins).toBeGreaterThan(10)
    expect(verdict.checked.thefts).toBeGreaterThan(5)
    expect(journal.faults.map(({ what }) => what)).toEqual(planned.map(({ what }) => what))

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
      const reports: string[] = []
      let found: Violation[] = []
      for (let run = 0; run < RUNS && found.length === 0; run += 1) {
        const seed = SEED + run
        const journal = await runUnderFire({ ...brief, seed, seconds, faults, sabotage, looksOnceMore: false })
        const verdict = judge(journal)
        reports.push(reportOf(journal, verdict))
        found = verdict.violations.filter(({ fault }) => fault === told)
      }
      expect(found.length, reports.join('\n\n')).toBeGreaterThan(0)
      if (sabotage.nodes.length === 1)
        expect(new Set(found.map(({ act }) => act.node))).toEqual(new Set(sabotage.nodes))
    },
    RUNS * 120_000,
  )
})
