import { setTimeout as pause } from 'node:timers/promises'
import { createChance } from './chance.ts'
import { createFaults, faultNames, type PlannedFault } from './faults.ts'
import { type Fleet, type FleetNode, type Sabotage, startFleet } from './fleet.ts'
import type { FaultRecord, Journal, RunFacts } from './journal.ts'
import { createOutboxes } from './outboxes.ts'
import { createPerson, type Person } from './person.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import { createRequests } from './requests.ts'
import { live, steal } from './traffic.ts'
import type { World } from './world.ts'

const MAX_STALENESS_MS = 2_000
// The resource server is as fresh as the copy in Redis, which is taken up again this long after Redis is back.
const COPY_LAG_MS = 2_500
const GRACE_MS = 10_000
const RECOVERY_MS = 5_000
const QUIET_MS = 2_000
const REGISTERING_AT_ONCE = 4

/** How a run goes. */
export interface RunOptions {
  readonly seed: number
  readonly users: number
  readonly seconds: number
  /** The mean time between two acts of a user. */
  readonly thinkMs: number
  /** What breaks, in this order: the run lasts until it has. @default every fault, again and again, in an order that chance chooses */
  readonly faults?: readonly PlannedFault[]
  /** The mean time between two faults. @default 2000 */
  readonly quietMs?: number
  /** @default null: an honest build */
  readonly sabotage?: Sabotage | null
  /** Looks at every token once more when everything is whole again. @default true */
  readonly looksOnceMore?: boolean
  /** Hears how it goes. */
  readonly onProgress?: (message: string) => void
}

/** Starts a fleet, lets people loose on it while it breaks, looks at every token once more, and answers the journal. */
export async function runUnderFire(options: RunOptions): Promise<Journal> {
  const { seed, users, seconds, thinkMs, sabotage = null, looksOnceMore = true, onProgress = () => {} } = options
  const fleet = await startFleet({ maxStaleness: `${MAX_STALENESS_MS}ms`, sabotage })
  const requests = createRequests()
  try {
    const recorder = createRecorder(requests)
    const world: World = {
      recorder,
      outboxes: createOutboxes(fleet.nodes.map(({ outbox }) => outbox)),
      operator: fleet.operator,
      seed,
      everybody: [...fleet.nodes, fleet.reader],
      nodes: fleet.nodes,
      node: (chance) => {
        const up = fleet.nodes.filter(({ isUp }) => isUp)
        const choice = up.length > 0 ? up : fleet.nodes
        return choice[chance.below(choice.length)] as FleetNode
      },
    }
    const people = Array.from({ length: users }, (_, number) => createPerson(number + 1, world))
    onProgress(`registering ${users} users`)
    await inTurns(people, REGISTERING_AT_ONCE, (person) => person.register())

    onProgress(`under fire for ${seconds} s`)
    const endMs = recorder.nowMs() + seconds * 1000
    const isLate = () => recorder.nowMs() >= endMs
    let isBroken = true
    const breaking = breakThings(fleet, recorder, { ...options, isOver: isLate, onProgress }).finally(() => {
      isBroken = false
    })
    const isOver = () => isLate() && !isBroken
    const [faults] = await Promise.all([breaking, ...people.map((person) => live(person, { isOver, thinkMs }))])
    if (looksOnceMore) {
      onProgress('looking at every token once more')
      await pause(RECOVERY_MS)
      await inTurns(people, REGISTERING_AT_ONCE * 2, lookOnceMore)
    }

    const instances = fleet.nodes.map(({ name }) => [name, MAX_STALENESS_MS])
    const allowanceMs = Object.fromEntries([...instances, [fleet.reader.name, MAX_STALENESS_MS + COPY_LAG_MS]])
    const facts: RunFacts = {
      seed,
      users,
      seconds,
      sabotage: sabotage?.name ?? null,
      allowanceMs,
      graceMs: GRACE_MS,
      recoveryMs: RECOVERY_MS,
    }
    return { facts, acts: recorder.acts, faults }
  } finally {
    requests.close()
    await fleet.close()
  }
}

async function breakThings(
  fleet: Fleet,
  { nowMs }: Recorder,
  options: RunOptions & { isOver(): boolean; onProgress(message: string): void },
): Promise<FaultRecord[]> {
  const { faults, quietMs = QUIET_MS, isOver } = options
  const chance = createChance(options.seed)
  const breakIt = createFaults(fleet, { chance, nowMs })
  const records: FaultRecord[] = []
  const round = () => shuffled(faultNames, chance).map((what) => ({ what }))
  let waiting: PlannedFault[] = [...(faults ?? round())]
  for (;;) {
    if (faults !== undefined && waiting.length === 0) return records
    await pause(quietMs / 2 + chance.below(quietMs))
    if (faults === undefined && isOver()) return records
    const next = waiting.shift()
    if (next === undefined) {
      waiting = round()
      continue
    }
    const record = await breakIt(next)
    options.onProgress(
      `${(record.startMs / 1000).toFixed(1)} s: ${record.what}${record.node === null ? '' : ` (${record.node})`}`,
    )
    records.push(record)
  }
}

/** Every session that is alive, on every node; a theft, a login, an old password; then every token that is dead. */
async function lookOnceMore(person: Person): Promise<void> {
  person.giveUpUnsure()
  if (person.isDisabled) await person.setDisabled(false)
  for (const session of [...person.sessions]) {
    await person.refresh(session)
    for (const node of person.everybody) await person.show(session.tokens, { node, act: 'verify' })
  }
  const [robbed] = person.sessions
  if (robbed !== undefined) await steal(person, robbed)
  if (person.passwords.length > 0) await person.logIn()
  await person.tryOldPassword()
  for (const { kind, tokens } of person.dead.slice(-8)) {
    if (kind === 'refresh') await person.replay(tokens)
    else for (const node of person.everybody) await person.show(tokens, { node, act: 'verify' })
  }
}

async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = [...items]
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

function shuffled<T>(items: readonly T[], { below }: { below(limit: number): number }): T[] {
  const rest = [...items]
  return Array.from({ length: items.length }, () => rest.splice(below(rest.length), 1)).flat()
}
