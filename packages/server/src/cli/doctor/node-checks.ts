import { type Node, type NodeAnswer, NotCarriedOut, refusalIn } from './node.ts'

/** Something that was looked at on one node. */
export interface Finding {
  readonly node: string
  readonly check: 'ready' | 'issuer' | 'keys' | 'clock' | 'headers' | 'transport'
  /** `warning`: it may be meant so. */
  readonly verdict: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

/** Looks at what has nothing to do with a login: whether the nodes are well, and instances of one service. */
export async function checkNodes(nodes: readonly Node[]): Promise<readonly Finding[]> {
  const seen = await Promise.all(nodes.map(lookAt))
  const [first] = seen
  return seen.flatMap((one) => [
    ready(one),
    sameAs(first, one, 'issuer'),
    sameAs(first, one, 'keys'),
    clock(one),
    headers(one),
    transport(one),
  ])
}

/** What one node says of itself. */
interface Seen {
  readonly node: string
  readonly ready: NodeAnswer
  readonly issuer: string
  /** The names of its public keys. */
  readonly keys: string
  /** How far its clock is ahead of this machine's, give or take the resolution. */
  readonly aheadMs: number | null
  readonly resolutionMs: number
}

async function lookAt(node: Node): Promise<Seen> {
  const sentAtMs = Date.now()
  const ready = await node.ask('GET', '/health/ready')
  const tookMs = Date.now() - sentAtMs
  const told = Date.parse(ready.headers.get('date') ?? '')
  const [metadata, jwks] = [
    await node.ask('GET', '/.well-known/oauth-authorization-server'),
    await node.ask('GET', '/.well-known/jwks.json'),
  ]
  const { issuer } = metadata.body
  if (typeof issuer !== 'string') {
    throw new NotCarriedOut(`${node.url} is no rescind service: it tells no issuer (${refusalIn(metadata)})`)
  }
  return {
    node: node.url,
    ready,
    issuer,
    keys: keysIn(jwks),
    // The header holds whole seconds, cut off: on average half a second is missing.
    aheadMs: Number.isNaN(told) ? null : told + 500 - (sentAtMs + tookMs / 2),
    resolutionMs: 500 + tookMs / 2,
  }
}

function keysIn({ body }: NodeAnswer): string {
  const keys = Array.isArray(body.keys) ? (body.keys as readonly { kid?: unknown }[]) : []
  return keys
    .map(({ kid }) => String(kid))
    .sort()
    .join(' ')
}

function ready({ node, ready: answer }: Seen): Finding {
  const detail = typeof answer.body.detail === 'string' ? `: ${answer.body.detail}` : ''
  return answer.status === 200
    ? { node, check: 'ready', verdict: 'ok', detail: 'ready' }
    : { node, check: 'ready', verdict: 'failed', detail: `not ready, ${refusalIn(answer)}${detail}` }
}

/** Instances of one service have one issuer and one set of keys. */
function sameAs(first: Seen | undefined, one: Seen, check: 'issuer' | 'keys'): Finding {
  const { node } = one
  if (first === undefined || first[check] === one[check]) return { node, check, verdict: 'ok', detail: one[check] }
  return { node, check, verdict: 'failed', detail: `${one[check] || 'none'}, where ${first.node} has ${first[check]}` }
}

// Tokens of a clock that is further ahead are refused elsewhere.
const MAX_AHEAD_MS = 2_000

function clock({ node, aheadMs, resolutionMs }: Seen): Finding {
  if (aheadMs === null) return { node, check: 'clock', verdict: 'warning', detail: 'it tells no time' }
  const isFar = Math.abs(aheadMs) - resolutionMs > MAX_AHEAD_MS
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1)
  const detail = `${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine, give or take ${(resolutionMs / 1000).toFixed(1)} s`
  return { node, check: 'clock', verdict: isFar ? 'warning' : 'ok', detail }
}

const EXPECTED_HEADERS: Readonly<Record<string, RegExp>> = {
  'cache-control': /\bno-store\b/,
  'content-security-policy': /./,
  'referrer-policy': /./,
  'x-content-type-options': /^nosniff$/,
}

function headers({ node, ready: answer }: Seen): Finding {
  const expected = Object.entries({
    ...EXPECTED_HEADERS,
    ...(node.startsWith('https:') ? { 'strict-transport-security': /max-age=\d{8,}/ } : {}),
  })
  const missing = expected.filter(([name, form]) => !form.test(answer.headers.get(name) ?? '')).map(([name]) => name)
  return missing.length === 0
    ? { node, check: 'headers', verdict: 'ok', detail: 'the security headers are there' }
    : {
        node,
        check: 'headers',
        verdict: 'warning',
        detail: `without ${missing.join(', ')}: does a proxy take them away?`,
      }
}

const LOCAL = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

function transport({ node }: Seen): Finding {
  const { protocol, hostname } = new URL(node)
  if (protocol === 'https:') return { node, check: 'transport', verdict: 'ok', detail: 'HTTPS' }
  if (LOCAL.test(hostname)) return { node, check: 'transport', verdict: 'ok', detail: 'plain HTTP on this machine' }
  return { node, check: 'transport', verdict: 'warning', detail: 'plain HTTP: tokens can be read on the way' }
}
