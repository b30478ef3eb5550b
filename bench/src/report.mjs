import { inDigits } from './digits.mjs'
import { verdictOf } from './verdict.mjs'

const labels = { met: 'met   ', near: 'near  ', MISSED: 'MISSED', none: '      ' }

/**
 * What a suite found. It prints each finding as it comes, and keeps it in `findings`.
 *
 * - `figure` is a ratio or a bound, with what is asked of it: `least` or `most`;
 * - `measured` are the absolute numbers of a group of contenders, which one bar chart shows;
 * - `series` is a line chart, each line over the same `x`;
 * - `notRun` is what could not be measured here, and why.
 */
export function createReport(suite, { quick, print = (line) => process.stdout.write(`${line}\n`) }) {
  const findings = { figures: [], measured: [], series: [], notRun: [] }
  return {
    findings,

    figure(subject, what, { value, least, most, unit = '', note = '' }) {
      const verdict = verdictOf({ value, least, most }, { quick })
      findings.figures.push({ subject, what, value, least, most, unit, note, verdict })
      const bound = least === undefined ? (most === undefined ? '' : `; at most ${most}`) : `; at least ${least}`
      const details = note === '' ? '' : ` (${note})`
      print(`${labels[verdict]}  ${suite}: ${subject}: ${what}: ${inDigits(value)}${spaced(unit)}${bound}${details}`)
    },

    measured(group, unit, values) {
      const known = findings.measured.find((measured) => measured.group === group)
      if (known === undefined) findings.measured.push({ group, unit, values: { ...values } })
      else Object.assign(known.values, values)
      const all = Object.entries(values).map(([contender, value]) => `${contender} ${inDigits(value)}`)
      print(`        ${suite}: ${group}, ${unit}: ${all.join(' · ')}`)
    },

    series(name, { unit, x, y, xUnit = '' }) {
      findings.series.push({ name, unit, xUnit, x, y })
      for (const [line, values] of Object.entries(y)) {
        print(`        ${suite}: ${name}, ${unit}: ${line} from ${inDigits(values[0])} to ${inDigits(values.at(-1))}`)
      }
    },

    notRun(what, why) {
      findings.notRun.push({ what, why })
      print(`not run ${suite}: ${what}: ${why}`)
    },
  }
}

function spaced(unit) {
  return unit === '' ? '' : ` ${unit}`
}
