import { showable } from './terminal.ts'

/** Lines of text whose columns stand below each other, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(showable))
  const widths: number[] = []
  for (const row of shown) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')
  return shown.map((row) => `${line(row).trimEnd()}\n`).join('')
}
