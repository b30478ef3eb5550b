import { existsSync, readFileSync } from 'node:fs'
import { inDigits } from './digits.mjs'
import { chartsOf, resultsFile } from './results.mjs'

/** The written results of a suite as docs/performance.md shows them: a table of the figures, and the charts. */
export function markdownOf(suite) {
  if (!existsSync(resultsFile(suite))) return `### ${suite}\n\nNot run.\n`
  const results = JSON.parse(readFileSync(resultsFile(suite), 'utf8'))
  const rows = results.figures.map(({ subject, what, value, unit, least, most, verdict, note }) =>
    row([
      `${subject}: ${what}`,
      `${inDigits(value)}${unit === '' ? '' : ` ${unit}`}`,
      bound(least, most),
      label[verdict],
      note,
    ]),
  )
  const notRun = results.notRun.map(({ what, why }) => row([what, '', '', 'not run', why]))
  const charts = chartsOf(results).map(({ title, file }) => `![${title}](../bench/results/${file})`)
  const table = [row(['figure', 'result', 'asked', 'verdict', 'note']), row(Array(5).fill('---')), ...rows, ...notRun]
  return `### ${suite}\n\n${table.join('\n')}\n\n${charts.join('\n\n')}\n`
}

const label = { met: 'met', MISSED: '**missed**', none: '' }

function bound(least, most) {
  if (least !== undefined) return `≥ ${least}`
  return most === undefined ? '' : `≤ ${most}`
}

function row(cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
