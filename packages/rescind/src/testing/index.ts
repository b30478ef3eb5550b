export { createFakeClock, type FakeClock } from './fake-clock.ts'
export { eventually, type TestRunner } from './runner.ts'
export { describeStore, type OpenStore, type StoreUnderTest } from './store-conformance.ts'
