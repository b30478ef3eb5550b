// npm run bench [-- verify|lookup|ledger|faults]: each suite prints a table of ratios, measured side by side in one run.
import { faults } from './faults.mjs'
import { ledger } from './ledger.mjs'
import { lookup } from './lookup.mjs'
import { verify } from './verify.mjs'

const suites = { verify, lookup, ledger, faults }
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const unknown = names.filter((name) => !Object.hasOwn(suites, name))
if (unknown.length > 0) {
  process.stderr.write(`unknown suite ${unknown.join(', ')}; there is: ${Object.keys(suites).join(', ')}\n`)
  process.exit(1)
}
process.stdout.write(`Node ${process.version} on ${process.platform} ${process.arch}\n`)
for (const name of names.length > 0 ? names : Object.keys(suites)) await suites[name]()
