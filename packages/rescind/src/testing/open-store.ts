import type { Store } from '../session/sessions.ts'

/** A store that was opened for one test. */
export interface OpenStore {
  readonly store: Store
  /** Opens the same data once more, as another process would; absent where nothing outlives the store object. */
  readonly reopen?: () => Promise<Store>
  /** Called after the test. */
  dispose(): Promise<void>
}

/** Defines one test over a store of its own. */
export type DefineTest = (name: string, body: (open: OpenStore) => Promise<void>) => void
