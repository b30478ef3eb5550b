import { defineConfig } from 'vitest/config'

// What a mutant is tried against: the tests of the library's core that need no server, less those that take seconds and
// find out nothing that the others do not. Whoever survives has survived all of these.
const folders = ['tokens', 'session', 'revocation', 'web']
const left = [
  'clock-jumps',
  'differential',
  'hmac',
  'id-key',
  'id-table',
  'locations',
  'rings-of-others',
  'synchronous-keys',
  'unsafe-keys',
  'watchers',
]

const conditions = ['source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    setupFiles: ['./tools/property-seed.mjs'],
    testTimeout: 20_000,
    // The modules of a run hold one mutant each time, and need not be loaded anew for each file.
    isolate: false,
    include: [
      ...folders.map((folder) => `packages/rescind/test/${folder}/*.test.ts`),
      'packages/rescind/test/stores/conformance.test.ts',
    ],
    exclude: ['**/node_modules/**', ...left.map((name) => `**/${name}.test.ts`)],
  },
})
