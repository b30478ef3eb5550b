/** Prints one figure, the bound it has to keep (`least` or `most`), and whether it does. */
export function print(subject, what, { value, least, most, note = '' }) {
  const met = (least === undefined || value >= least) && (most === undefined || value <= most)
  const bound = least === undefined ? (most === undefined ? '' : `at most ${most}`) : `at least ${least}`
  const figure = value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
  const details = note === '' ? '' : ` (${note})`
  process.stdout.write(`${met ? 'met   ' : 'MISSED'}  ${subject.padEnd(10)}  ${what}: ${figure}; ${bound}${details}\n`)
}
