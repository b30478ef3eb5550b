// npm run bench: see usage.mjs and docs/performance.md.

import { fork } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ended } from './apart.mjs'
import { describeMachine } from './machine.mjs'
import { markdownOf } from './markdown.mjs'
import { writeResults } from './results.mjs'
import { usage } from './usage.mjs'

const byDefault = ['verify', 'lookup', 'ledger', 'faults', 'http', 'service']
const byNameOnly = ['soak', 'enumeration']

const { values: options, positionals } = parse()
if (options.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const unknown = positionals.filter((name) => ![...byDefault, ...byNameOnly].includes(name))
if (unknown.length > 0) fail(`unknown suite ${unknown.join(', ')}`)

const names = positionals.length > 0 ? positionals : byDefault
if (options.markdown) {
  process.stdout.write(names.map(markdownOf).join('\n'))
  process.exit(0)
}

const surroundings = describeMachine()
const { cpu, cores, memory } = surroundings.machine
process.stdout.write(`${cpu}, ${cores} cores, ${memory}; Node ${surroundings.node}\n`)
const outcomes = []
// One after the other: they would measure each other.
for (const name of names) outcomes.push(await runSuite(name))
process.exitCode = summarize() ? 0 : 1

/** Each suite has a process of its own: none meets the heap that another left behind, or falls with it. */
async function runSuite(name) {
  process.stdout.write(`\n== ${name}${options.quick ? ', quick' : ''}\n`)
  const start = performance.now()
  const takenAt = new Date().toISOString()
  const args = options.quick ? [name, '--quick'] : [name]
  const child = fork(join(import.meta.dirname, 'run-suite.mjs'), args)
  let outcome
  child.on('message', (message) => {
    outcome = message
  })
  const code = await ended(child)
  const seconds = (performance.now() - start) / 1_000
  const { findings, error = `ended with code ${code}` } = outcome ?? {}
  if (findings === undefined || outcome.error !== undefined) return { name, seconds, findings, error }
  if (!options.quick) await writeResults({ suite: name, quick: false, takenAt, ...surroundings, ...findings })
  return { name, seconds, findings }
}

/** Prints what came of each suite; answers whether that is good enough. */
function summarize() {
  process.stdout.write('\n== summary\n')
  let good = true
  for (const { name, seconds, findings, error } of outcomes) {
    const figures = findings?.figures ?? []
    const count = (verdict) => figures.filter((figure) => figure.verdict === verdict).length
    const near = options.quick ? `, ${count('near')} near` : ''
    const notRun = findings?.notRun.length ? `, ${findings.notRun.length} not run` : ''
    const failure = error === undefined ? '' : `; FAILED: ${error.split('\n', 1)[0]}`
    process.stdout.write(
      `${name.padEnd(8)} ${count('met')} met${near}, ${count('MISSED')} missed${notRun} (${Math.round(seconds)} s)${failure}\n`,
    )
    for (const { subject, what, verdict } of figures) {
      if (verdict === 'MISSED') process.stdout.write(`  MISSED  ${subject}: ${what}\n`)
    }
    if (error !== undefined || ((options.quick || options.strict) && count('MISSED') > 0)) good = false
  }
  return good
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        strict: { type: 'boolean' },
        markdown: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    return fail(error.message)
  }
}

function fail(message) {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}
