import type { Ledger, Store } from 'rescind'
import { type HttpStoreOptions, httpStore } from 'rescind/stores/http'
import { expectTypeOf, it } from 'vitest'

it('rescind/stores/http makes a store, and asks for a token', () => {
  expectTypeOf(httpStore).returns.toEqualTypeOf<Store>()
  expectTypeOf(httpStore).parameters.toEqualTypeOf<[url: string | URL, options: HttpStoreOptions]>()
  expectTypeOf<{ token: string }>().toExtend<HttpStoreOptions>()
  expectTypeOf<Record<never, never>>().not.toExtend<HttpStoreOptions>()
  expectTypeOf<HttpStoreOptions['fetch']>().toEqualTypeOf<typeof fetch | undefined>()
  expectTypeOf<Ledger['readOnly']>().toEqualTypeOf<true | undefined>()
})
