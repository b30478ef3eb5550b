import { startRedis } from '../../tools/servers/redis.mjs'
import { findBinary } from '../../tools/servers/shared.mjs'
import { startContender } from './http/contender.mjs'
import { startFlask, whyNoFlask } from './http/flask.mjs'
import { createRequests } from './http/requests.mjs'
import { inRounds, median } from './http/rounds.mjs'
import { signTokens } from './http/tokens.mjs'

const WARM_TOKENS = 1_000
// Forty times as many as the library remembers: when a token comes again, it has long been forgotten.
const COLD_TOKENS = 400_000
// Several runs, each with new processes: two processes of the very same server differ by some percent.
const FULL = { runs: 3, rounds: 3, roundMs: 2_000, warmUpMs: 2_000 }
const QUICK = { runs: 1, rounds: 2, roundMs: 1_000, warmUpMs: 1_000 }
/** A server that has more time to spare is not what is measured. */
const LEAST_BUSY = 0.9

const GUARDED = 'Fastify guarded'
const UNREVOKED = '@fastify/jwt'
const CACHED = '@fastify/jwt cached'
const WITH_REDIS = '@fastify/jwt + Redis'
const FLASK = 'Flask + Redis'
const BETTER_AUTH = 'better-auth'

/** What a guard costs a server. Each server is a process of its own, and this one sends the requests. */
export const http = {
  about: 'requests/s of a guarded route over 32 connections, beside a plain route and beside other libraries',
  async run({ quick, report }) {
    const tokens = await signTokens(quick ? WARM_TOKENS : COLD_TOKENS)
    const bearers = tokens.map((token) => `Authorization: Bearer ${token}`)
    const warm = createRequests(bearers.slice(0, WARM_TOKENS))
    if (quick) return inShort(report, warm)
    await besidePlain(report, 'Fastify', 'warm', { requests: warm, least: 0.92 })
    await besidePlain(report, 'Fastify', 'cold', { requests: createRequests(bearers), least: 0.75 })
    await besidePlain(report, 'Express', 'warm', { requests: warm, least: 0.95 })
    await besidePlain(report, 'Hono', 'warm', { requests: warm, least: 0.95, floor: 'Hono empty middleware' })
    await besidePeers(report, warm)
  },
}

async function inShort(report, requests) {
  const plain = 'Fastify plain'
  const ratioTo = await compare(report, 'quick', startersOf([GUARDED, plain, UNREVOKED]), { requests, pace: QUICK })
  report.figure('Fastify', 'guarded / plain, warm', { value: ratioTo(plain), least: 0.92 })
  report.figure('peers', `guarded / ${UNREVOKED}`, { value: ratioTo(UNREVOKED), note: 'for information' })
}

async function besidePlain(report, framework, kind, { requests, least, floor }) {
  const [guarded, plain] = [`${framework} guarded`, `${framework} plain`]
  const starters = startersOf([guarded, plain, ...(floor === undefined ? [] : [floor])])
  const ratioTo = await compare(report, `${framework} ${kind}`, starters, { requests })
  report.figure(framework, `guarded / plain, ${kind}`, { value: ratioTo(plain), least })
  if (floor === undefined) return
  report.figure(framework, `guarded / an empty middleware, ${kind}`, { value: ratioTo(floor), note: 'for information' })
}

async function besidePeers(report, requests) {
  const starters = startersOf([GUARDED, UNREVOKED, CACHED, BETTER_AUTH])
  const whyNoRedis = findBinary(['redis-server', 'valkey-server']) === null ? 'needs redis-server' : null
  const redis = whyNoRedis === null ? await startRedis() : null
  try {
    const noFlask = whyNoRedis ?? whyNoFlask()
    if (redis === null) report.notRun(WITH_REDIS, whyNoRedis)
    else starters[WITH_REDIS] = () => startContender(WITH_REDIS, { redisUrl: redis.url })
    if (noFlask === null) starters[FLASK] = () => startFlask({ redisUrl: redis.url })
    else report.notRun(FLASK, noFlask)
    const ratioTo = await compare(report, 'peers', starters, { requests })
    const figure = (peer, what, bound) => {
      if (starters[peer] !== undefined) report.figure('peers', `guarded / ${what}`, { value: ratioTo(peer), ...bound })
    }
    figure(UNREVOKED, `${UNREVOKED} without revocation`, { least: 2 })
    figure(CACHED, `${UNREVOKED} without revocation, its cache on`, { note: 'for information' })
    figure(WITH_REDIS, `${UNREVOKED} and a Redis GET for each request`, { least: 2.5 })
    figure(BETTER_AUTH, 'better-auth getSession, SQLite, no cookie cache', { least: 15 })
    figure(FLASK, 'flask-jwt-extended and its Redis blocklist', { least: 15, note: 'gunicorn, one sync worker' })
  } finally {
    await redis?.dispose()
  }
}

function startersOf(names) {
  return Object.fromEntries(names.map((name) => [name, () => startContender(name)]))
}

/** Measures the servers side by side; answers what tells how much more the first one answers than a given other. */
async function compare(report, group, starters, { requests, pace = FULL }) {
  const measured = Object.fromEntries(Object.keys(starters).map((name) => [name, []]))
  for (let run = 0; run < pace.runs; run += 1) {
    const rounds = await withServers(starters, requests, (contenders) => inRounds(contenders, pace))
    for (const [name, list] of Object.entries(measured)) list.push(...rounds[name])
  }
  const medians = (what) =>
    Object.fromEntries(Object.entries(measured).map(([name, rounds]) => [name, median(rounds.map(what))]))
  report.measured(
    group,
    'requests/s',
    medians(({ perSecond }) => perSecond),
  )
  report.measured(
    `${group} processor time`,
    'µs a request',
    medians(({ cpuMicros }) => cpuMicros),
  )
  for (const [name, busy] of Object.entries(medians((round) => round.busy))) {
    if (busy < LEAST_BUSY) process.stdout.write(`        ${name} was only ${Math.round(busy * 100)} % busy\n`)
  }
  const [first] = Object.values(measured)
  return (name) => median(first.map(({ perSecond }, round) => perSecond / measured[name][round].perSecond))
}

async function withServers(starters, requests, work) {
  const contenders = {}
  try {
    for (const [name, start] of Object.entries(starters)) {
      const server = await start()
      contenders[name] = { server, requests: server.headerLines ? createRequests(server.headerLines) : requests }
    }
    return await work(contenders)
  } finally {
    await Promise.all(Object.values(contenders).map(({ server }) => server.stop()))
  }
}
