export { createFakeClock, type FakeClock } from './fake-clock.ts'
export type { OpenStore } from './open-store.ts'
export { eventually, type TestRunner } from './runner.ts'
export { describeStore, type StoreUnderTest } from './store-conformance.ts'
