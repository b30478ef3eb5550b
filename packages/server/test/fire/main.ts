import { parseArgs } from 'node:util'
import { faultNames, type PlannedFault } from './faults.ts'
import { type Journal, readJournal, writeJournal } from './journal.ts'
import { judge } from './model.ts'
import { reportOf } from './report.ts'
import { runUnderFire } from './run.ts'

const USAGE = `usage: npm run fire -- [--seconds 180] [--users 200] [--seed <number>] [--journal <file>] [--sabotage <name>@<nodes>] [--fault <name>[@<node>]]...
       npm run fire -- --replay <file>

Three instances on PostgreSQL and Redis, users who log in, refresh, log out and so on, while things break; and a model
that judges every answer. Exit code 1 where a promise was broken.

  --fault <name>[@<node>]     breaks only this, in the order given: ${faultNames.join(', ')}
  --journal <file>            writes down every act
  --replay <file>             judges a journal again
  --sabotage <name>@<nodes>   breaks the build on purpose: no-check@b, no-staleness@b, no-lock@abc
`

/** Runs what the words ask for and answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '180' },
      users: { type: 'string', default: '200' },
      think: { type: 'string', default: '1300' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      journal: { type: 'string' },
      replay: { type: 'string' },
      sabotage: { type: 'string' },
      fault: { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  let journal: Journal
  if (values.replay !== undefined) journal = readJournal(values.replay)
  else {
    const [name = '', nodes = ''] = values.sabotage?.split('@') ?? []
    console.log(`seed ${values.seed}`)
    journal = await runUnderFire({
      seed: Number(values.seed),
      users: Number(values.users),
      seconds: Number(values.seconds),
      thinkMs: Number(values.think),
      sabotage: values.sabotage === undefined ? null : { name, nodes: [...nodes] },
      ...(values.fault === undefined ? {} : { faults: values.fault.map(readFault) }),
      onProgress: (message) => console.log(message),
    })
    if (values.journal !== undefined) writeJournal(values.journal, journal)
  }
  const verdict = judge(journal)
  console.log(reportOf(journal, verdict))
  return verdict.violations.length === 0 ? 0 : 1
}

function readFault(text: string): PlannedFault {
  const [name, node] = text.split('@')
  const what = faultNames.find((known) => known === name)
  if (what === undefined) throw new Error(`--fault may be one of: ${faultNames.join(', ')}`)
  return { what, node }
}
