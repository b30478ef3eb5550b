import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

// The `source` condition makes every package import resolve to TypeScript sources, so no test reads a stale build.
const conditions = ['source', 'node']

// Other cryptography in the place of Node's, another clock, a prototype or a thread that everybody has.
const apart = [
  'packages/rescind/test/web-path/*.test.ts',
  'packages/rescind/test/tokens/rings-of-others.test.ts',
  'packages/rescind/test/revocation/clock-jumps.test.ts',
  'packages/server/test/attacks-fields.test.ts',
  'packages/server/test/password-strength.test.ts',
]
const types = ['packages/*/test-d/**/*.test-d.ts']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // Many tests wait for a server or a disk: one file more than there are cores keeps them busy.
    maxWorkers: availableParallelism() + 1,
    setupFiles: ['./tools/property-seed.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Files that change what others share have a process of their own. The rest share one each worker, since loading the
    // modules anew for every file takes a fifth of the time.
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          isolate: false,
          include: ['packages/*/test/**/*.test.ts', 'examples/*/*.test.ts', 'bench/test/*.test.mjs'],
          exclude: [...configDefaults.exclude, ...apart],
        },
      },
      { extends: true, test: { name: 'apart', include: apart } },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, include: types, tsconfig: './tsconfig.test.json' },
        },
      },
    ],
  },
})
