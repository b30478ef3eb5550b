import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// The `source` condition makes every package import resolve to TypeScript sources, so no test reads a stale build.
const conditions = ['source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'packages/*/test-d/**/*.test-d.ts', 'examples/*/*.test.ts'],
    // Many tests wait for a server or a disk; on a small machine Vitest would run one file at a time.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    typecheck: { enabled: true, include: ['packages/*/test-d/**/*.test-d.ts'], tsconfig: './tsconfig.test.json' },
  },
})
