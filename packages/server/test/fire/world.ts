import type { Chance } from './chance.ts'
import type { FleetNode } from './fleet.ts'
import type { Outboxes } from './outboxes.ts'
import type { Recorder } from './recorder.ts'
import type { Target } from './requests.ts'

/** What people act with. */
export interface World {
  readonly recorder: Recorder
  readonly outboxes: Outboxes
  /** The HTTP Basic credentials of the operator who disables and enables. */
  readonly operator: string
  readonly everybody: readonly Target[]
  /** Every instance, those that are down too. */
  readonly nodes: readonly Target[]
  /** An instance, as a balancer chooses: one that is up, while there is one. */
  node(chance: Chance): FleetNode
  readonly seed: number
}
