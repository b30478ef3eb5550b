import { median, quantile } from '../interleave.mjs'
import { onConnections } from '../service/connections.mjs'
import { noiseBand } from './noise-band.mjs'

const WARM_UP = 30
const PERCENTILES = [5, 25, 50, 75, 95, 99]

/**
 * Asks one thing about addresses of three groups, on one connection, in an order of chance: two groups that are known,
 * and one that is not. The order is one of chance throughout: were every group asked once a round, what an answer leaves
 * behind would slow the other groups down more than its own. What the two known ones differ by is noise; the unknown one may differ from them by no more.
 * Every answer has to be the same but for its date and the id of its request.
 */
export async function compareAddresses(url, { subject, question, accounts, rounds, report }) {
  const groups = {
    known: (round) => pick(accounts.known[0], round),
    'known too': (round) => pick(accounts.known[1], round),
    unknown: () => accounts.unknown(),
  }
  const times = Object.fromEntries(Object.keys(groups).map((name) => [name, []]))
  const answers = new Set()
  const plan = planOf(Object.keys(groups), rounds + WARM_UP / 3)
  let answered = 0
  let asked
  await onConnections(url, 1, {
    next() {
      const step = plan.pop()
      if (step === undefined) return null
      const text = question(groups[step.group](step.round))
      asked = { ...step, at: performance.now() }
      return text
    },
    heard(_, answer) {
      const time = performance.now() - asked.at
      if (answered++ >= WARM_UP) times[asked.group].push(time)
      answers.add(JSON.stringify({ ...answer, head: answer.head.replaceAll(/\r\n(date|x-request-id): [^\r]*/gi, '') }))
    },
  })
  if (answers.size !== 1) throw new Error(`${subject}: ${answers.size} answers differ: ${[...answers].join('\n')}`)
  const sorted = mapValues(times, (values) => values.toSorted((a, b) => a - b))
  const band = noiseBand(times.known, times['known too'])
  const difference = Math.abs(median(times.unknown) - median(times.known))
  report.figure(subject, 'known and unknown addresses apart / the 95 % noise band of known ones', {
    value: difference / band,
    most: 1,
    note: `${inMicroseconds(difference)} of ${inMicroseconds(band)} us; medians ${Object.entries(sorted)
      .map(([name, values]) => `${name} ${quantile(values, 0.5).toFixed(3)}`)
      .join(', ')} ms; n = ${rounds} each; answers the same byte for byte`,
  })
  report.series(`${subject}: how long an answer takes`, {
    unit: 'ms',
    xUnit: 'percentile',
    x: PERCENTILES,
    y: mapValues(sorted, (values) => PERCENTILES.map((percentile) => quantile(values, percentile / 100))),
  })
}

/** Every group so many times. */
function planOf(names, rounds) {
  return shuffled(names.flatMap((group) => Array.from({ length: rounds }, (_, round) => ({ group, round }))))
}

/** Fisher and Yates's shuffle. */
function shuffled(items) {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const chosen = Math.floor(Math.random() * (last + 1))
    ;[items[last], items[chosen]] = [items[chosen], items[last]]
  }
  return items
}

function pick(items, round) {
  return items[round % items.length]
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]))
}

function inMicroseconds(milliseconds) {
  return (milliseconds * 1_000).toFixed(1)
}
