import { setTimeout as pause } from 'node:timers/promises'
import { type Node, NotCarriedOut, refusalIn } from './node.ts'
import { type Replay, replayUntilRefused, showAccessToken } from './replay.ts'
import type { CapturedToken, Way } from './ways.ts'

/** What became of the tokens that one way should have killed. */
export interface WayReport {
  readonly way: string
  readonly replays: readonly Replay[]
  /** Why nobody can tell; `null` where it was done. */
  readonly notCarriedOut: string | null
}

/** Revokes in one way, and replays each token that it should kill at every node. */
export async function examine(way: Way, nodes: readonly Node[], maxStalenessMs: number): Promise<WayReport> {
  try {
    const { captured, revoke, tidy } = await way.prepare()
    await control(nodes, captured)
    await revoke()
    const acknowledgedAtMs = performance.now()
    const deadline = { acknowledgedAtMs, maxStalenessMs }
    const replayAll = (tokens: readonly CapturedToken[]) =>
      Promise.all(tokens.flatMap((token) => nodes.map((node) => replayUntilRefused(node, token, deadline))))
    const first = await replayAll(captured)
    // What a node was too late to refuse has to die all the same.
    const successors = await replayAll(successorsIn(first))
    // Nothing may come back: neither by a cache nor by a record that was forgotten too early.
    const again = first.every(({ verdict }) => verdict === 'refused') ? await replayAll(captured) : []
    await tidy?.()
    const relapses = again.filter(({ verdict }) => verdict === 'accepted')
    return { way: way.name, replays: [...first, ...successors, ...relapses], notCarriedOut: null }
  } catch (error) {
    if (!(error instanceof NotCarriedOut)) throw error
    return { way: way.name, replays: [], notCarriedOut: error.message }
  }
}

// A copy of the database that a node reads from may be a moment behind.
const CONTROL_TRIES = 10
const CONTROL_PAUSE_MS = 50

/** A token that a node refuses from the start would look like one that was revoked. */
async function control(nodes: readonly Node[], captured: readonly CapturedToken[]): Promise<void> {
  for (const { kind, token } of captured) {
    if (kind === 'access') await Promise.all(nodes.map((node) => acceptedBy(node, token)))
  }
}

async function acceptedBy(node: Node, token: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const answer = await showAccessToken(node, token)
    if (answer.status === 200) return
    if (tries === CONTROL_TRIES || answer.status !== 401) {
      throw new NotCarriedOut(
        `${node.url} refuses a token that was not revoked yet (${refusalIn(answer)}): is it of the same service?`,
      )
    }
    await pause(CONTROL_PAUSE_MS)
  }
}

function successorsIn(replays: readonly Replay[]): readonly CapturedToken[] {
  const tokens = new Map<string, CapturedToken>()
  for (const { successor } of replays) {
    if (successor === null) continue
    tokens.set(successor.accessToken, { kind: 'access', token: successor.accessToken })
    tokens.set(successor.refreshToken, { kind: 'refresh', token: successor.refreshToken })
  }
  return [...tokens.values()]
}
