import { createKey } from 'rescind'
import { expect, it, vi } from 'vitest'

// What the import condition does outside of Node: the suites below run over WebCrypto.
vi.mock('#crypto', () => import('../../src/crypto/web.ts'))

it('is WebCrypto that signs here', () => {
  const key = createKey('a secret of at least thirty-two bytes', { alg: 'HS256' })
  expect(key.sign('input')).toBeInstanceOf(Promise)
})

await import('../tokens/forgeries.test.ts')
await import('../tokens/valid-tokens.test.ts')
await import('../tokens/aliases.test.ts')
await import('../tokens/unsafe-keys.test.ts')
await import('../tokens/key-ring.test.ts')
await import('../tokens/refused-claims.test.ts')
await import('../tokens/refused-headers.test.ts')
await import('../tokens/refused-signatures.test.ts')
await import('../tokens/refused-tokens.test.ts')
