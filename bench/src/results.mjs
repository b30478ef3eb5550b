import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../results')

export function resultsFile(suite) {
  return join(folder, `${suite}.json`)
}

/** The charts of a suite: one for each group and each series. */
export function chartsOf({ suite, measured, series }) {
  const chart = (title, content) => ({ title, file: `${suite}-${slug(title)}.svg`, ...content })
  return [
    ...measured.map((bars) => chart(bars.group, { bars })),
    ...series.map((lines) => chart(lines.name, { lines })),
  ]
}

/** Writes what a suite found to `results/<suite>.json`, and its charts beside it. */
export async function writeResults(results) {
  const { suite } = results
  // Only who draws needs the library that draws.
  const { barChart, lineChart } = await import('./charts.mjs')
  mkdirSync(folder, { recursive: true })
  // A group that was renamed must not leave its old chart behind.
  for (const file of readdirSync(folder)) {
    if (file.startsWith(`${suite}-`) && file.endsWith('.svg')) rmSync(join(folder, file))
  }
  writeFileSync(resultsFile(suite), `${JSON.stringify(results, null, 2)}\n`)
  for (const { file, bars, lines } of chartsOf(results)) {
    writeFileSync(join(folder, file), bars === undefined ? lineChart(lines) : barChart(bars))
  }
}

function slug(name) {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
