import { startLoad } from './load.mjs'

const LEAD_MS = 300

/**
 * Loads contenders in turn, round after round, so that a drift of the machine's speed meets them all alike. Every other
 * round goes backwards, so that none always follows the same one. Answers what was measured of each, round by round.
 */
export async function inRounds(contenders, { rounds, roundMs, warmUpMs }) {
  const names = Object.keys(contenders)
  const measured = Object.fromEntries(names.map((name) => [name, []]))
  for (const name of names) await measure(contenders[name], warmUpMs)
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      measured[name].push(await measure(contenders[name], roundMs))
    }
  }
  return measured
}

/** What one server answers under full load, and what it takes of its processor. */
async function measure({ server, requests }, ms) {
  const load = startLoad(server.port, requests)
  const sample = async () => ({ ...(await server.usage()), answers: load.answers, now: performance.now() })
  const work = async () => {
    await pause(LEAD_MS)
    const before = await sample()
    await pause(ms)
    const after = await sample()
    await load.stop()
    const answers = after.answers - before.answers
    const cpuMicros = after.cpuMicros - before.cpuMicros
    return {
      perSecond: (answers / (after.now - before.now)) * 1_000,
      cpuMicros: cpuMicros / answers,
      busy: cpuMicros / 1_000 / (after.atMs - before.atMs),
    }
  }
  return Promise.race([work(), load.failure])
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}
