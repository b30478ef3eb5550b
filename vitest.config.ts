import { defineConfig } from 'vitest/config'

// The `source` condition makes every package import resolve to TypeScript sources, so no test reads a stale build.
const conditions = ['source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'packages/*/test-d/**/*.test-d.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    typecheck: { enabled: true, include: ['packages/*/test-d/**/*.test-d.ts'], tsconfig: './tsconfig.test.json' },
  },
})
