// One suite in a process of its own: sends its findings to the parent.
import { createReport } from './report.mjs'

const [name, ...flags] = process.argv.slice(2)
const quick = flags.includes('--quick')
const report = createReport(name, { quick })
let error
try {
  const suite = (await import(`./${name}.mjs`))[name]
  process.stdout.write(`${suite.about}\n`)
  await suite.run({ quick, report })
} catch (thrown) {
  error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  process.stderr.write(`${error}\n`)
}
// A suite that leaves a handle open would hold up all that follow.
process.send({ findings: report.findings, error }, () => process.exit(error === undefined ? 0 : 1))
