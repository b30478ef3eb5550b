import { setTimeout as pause } from 'node:timers/promises'
import { type Login, tokensIn } from './login.ts'
import { type Node, type NodeAnswer, NotCarriedOut, refusalIn } from './node.ts'
import type { CapturedToken } from './ways.ts'

/** What became of a dead token at one node. */
export interface Replay {
  readonly node: string
  readonly kind: CapturedToken['kind']
  /** `unknown`: no answer told. */
  readonly verdict: 'refused' | 'accepted' | 'unknown'
  /** How long after the acknowledgement it was known to be refused; `null` where it was not. */
  readonly withinMs: number | null
  /** It may have been refused this much earlier: the time since the last replay that was not refused. */
  readonly resolutionMs: number | null
  /** What the last answer was. */
  readonly detail: string
  /** What an accepted refresh token was exchanged for. */
  readonly successor: Login | null
}

/** When it has to be dead, by the clock of `performance.now()`. */
export interface Deadline {
  readonly acknowledgedAtMs: number
  readonly maxStalenessMs: number
}

const FIRST_PAUSE_MS = 5
/** A node that does not learn is not asked so often that its limits answer. */
const LAST_PAUSE_MS = 250

/** Replays a token at a node until it is refused, or until it should have been. */
export async function replayUntilRefused(node: Node, captured: CapturedToken, deadline: Deadline): Promise<Replay> {
  const { acknowledgedAtMs, maxStalenessMs } = deadline
  let lastNotRefusedMs = acknowledgedAtMs
  let successor: Login | null = null
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(LAST_PAUSE_MS, wait * 2)) {
    const sentAtMs = performance.now()
    const answer = await replay(node, captured)
    const atMs = performance.now()
    if (captured.kind === 'refresh' && answer.accepted !== null) successor = tokensIn(answer.accepted)
    const found = { node: node.url, kind: captured.kind, detail: answer.detail, successor }
    if (answer.verdict === 'refused') {
      const withinMs = atMs - acknowledgedAtMs
      return { ...found, verdict: 'refused', withinMs, resolutionMs: atMs - lastNotRefusedMs }
    }
    // Only what was sent after the time is over counts against the node.
    if (sentAtMs - acknowledgedAtMs >= maxStalenessMs) {
      return { ...found, verdict: answer.verdict, withinMs: null, resolutionMs: null }
    }
    lastNotRefusedMs = sentAtMs
    await pause(wait)
  }
}

/** What a node answers to an access token. It changes nothing. */
export function showAccessToken(node: Node, token: string): Promise<NodeAnswer> {
  return node.ask('GET', '/auth/status', { token })
}

interface ReplayAnswer {
  readonly verdict: Replay['verdict']
  readonly detail: string
  readonly accepted: NodeAnswer | null
}

/** A refused refresh token changes nothing, and an accepted one is what nobody wants. */
async function replay(node: Node, { kind, token }: CapturedToken): Promise<ReplayAnswer> {
  try {
    const answer =
      kind === 'access'
        ? await showAccessToken(node, token)
        : await node.ask('POST', '/auth/refresh', { body: { refresh_token: token } })
    const detail = refusalIn(answer)
    if (answer.status === 401) return { verdict: 'refused', detail, accepted: null }
    if (answer.status < 300) return { verdict: 'accepted', detail, accepted: answer }
    return { verdict: 'unknown', detail, accepted: null }
  } catch (error) {
    if (!(error instanceof NotCarriedOut)) throw error
    return { verdict: 'unknown', detail: error.message, accepted: null }
  }
}
