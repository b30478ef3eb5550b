import type { JsonWebKey, KeyObject } from 'node:crypto'
import type Database from 'better-sqlite3'
import {
  type Algorithm,
  type Awaitable,
  type CheckOptions,
  type Clock,
  createKey,
  createKeyRing,
  createRescind,
  type Decision,
  type ErrorCode,
  generateKey,
  isAlgorithm,
  isRequestErrorCode,
  type JsonObject,
  type Key,
  type KeyOptions,
  type KeyRing,
  type Ledger,
  type Login,
  type Principal,
  type ProblemAnswer,
  problemAnswer,
  type RequestView,
  type Rescind,
  type RescindError,
  type RescindOptions,
  type RescindStatus,
  type Revoke,
  type SessionPage,
  type SessionRecord,
  type Sessions,
  type Store,
  type TokenPair,
} from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { type SqliteLike, sqliteStore } from 'rescind/stores/sqlite'
import { createFakeClock, type FakeClock } from 'rescind/testing'
import type { Problem, RequestErrorCode } from 'rescind/wire'
import { describe, expectTypeOf, it } from 'vitest'

/** True when `T` is `any`, or holds one in a member, a parameter, a result or an element, four levels down. */
type HasAny<T, Depth extends unknown[] = []> = 0 extends 1 & T
  ? true
  : Depth['length'] extends 4
    ? false
    : T extends string | number | bigint | boolean | symbol | null | undefined
      ? false
      : T extends (...parameters: infer Parameters) => infer Result
        ? true extends HasAny<Parameters[number], [...Depth, 1]> | HasAny<Result, [...Depth, 1]>
          ? true
          : false
        : T extends Promise<infer Value>
          ? HasAny<Value, [...Depth, 1]>
          : T extends readonly (infer Element)[]
            ? HasAny<Element, [...Depth, 1]>
            : T extends Buffer | KeyObject | ReadonlySet<unknown> | Error | Uint8Array | AbortSignal
              ? false
              : T extends object
                ? true extends { [Name in keyof T]-?: HasAny<T[Name], [...Depth, 1]> }[keyof T]
                  ? true
                  : false
                : false

/** `true` or `false` for a union of either. */
type Has<T> = true extends HasAny<T> ? true : false

describe('no any in public', () => {
  it('the detector finds one where there is one', () => {
    // biome-ignore lint/suspicious/noExplicitAny: the control needs what it looks for
    type Any = any
    expectTypeOf<Has<Any>>().toEqualTypeOf<true>()
    expectTypeOf<Has<{ a: { b: Any } }>>().toEqualTypeOf<true>()
    expectTypeOf<Has<(input: Any) => void>>().toEqualTypeOf<true>()
    expectTypeOf<Has<() => Promise<readonly Any[]>>>().toEqualTypeOf<true>()
    expectTypeOf<Has<{ a?: string | (() => Any) }>>().toEqualTypeOf<true>()
    expectTypeOf<Has<{ a: unknown; b: (c: unknown) => void }>>().toEqualTypeOf<false>()
  })

  it('and none in ours', () => {
    expectTypeOf<Has<Rescind>>().toEqualTypeOf<false>()
    expectTypeOf<Has<RescindOptions>>().toEqualTypeOf<false>()
    expectTypeOf<Has<RescindStatus>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Revoke>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Decision>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Principal>>().toEqualTypeOf<false>()
    expectTypeOf<Has<TokenPair>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Login>>().toEqualTypeOf<false>()
    expectTypeOf<Has<CheckOptions>>().toEqualTypeOf<false>()
    expectTypeOf<Has<RequestView>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Key>>().toEqualTypeOf<false>()
    expectTypeOf<Has<KeyOptions>>().toEqualTypeOf<false>()
    expectTypeOf<Has<KeyRing>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Store>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Ledger>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Sessions>>().toEqualTypeOf<false>()
    expectTypeOf<Has<SqliteLike>>().toEqualTypeOf<false>()
    expectTypeOf<Has<ProblemAnswer>>().toEqualTypeOf<false>()
    expectTypeOf<Has<Problem>>().toEqualTypeOf<false>()
    expectTypeOf<Has<FakeClock>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof createRescind>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof createKey>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof createKeyRing>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof generateKey>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof problemAnswer>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof memoryStore>>().toEqualTypeOf<false>()
    expectTypeOf<Has<typeof sqliteStore>>().toEqualTypeOf<false>()
  })
})

describe('Rescind', () => {
  it('is made from options of which only store and keys are required', () => {
    const keys = createKeyRing({ active: generateKey('EdDSA') })
    expectTypeOf(createRescind({ store: memoryStore(), keys })).toEqualTypeOf<Rescind>()
    expectTypeOf<{ store: Store; keys: KeyRing }>().toExtend<RescindOptions>()
    expectTypeOf<{ store: Store }>().not.toExtend<RescindOptions>()
    expectTypeOf<{ keys: KeyRing }>().not.toExtend<RescindOptions>()
    // @ts-expect-error an unknown option is a typing mistake
    createRescind({ store: memoryStore(), keys: createKeyRing({ active: generateKey('EdDSA') }), leeway: 1 })
  })

  it('answers what its documentation says', () => {
    expectTypeOf<Rescind['issue']>().toEqualTypeOf<(login: Login<string>) => Promise<TokenPair>>()
    expectTypeOf<Rescind['refresh']>().toEqualTypeOf<(refreshToken: string) => Promise<TokenPair>>()
    expectTypeOf<Rescind['verify']>().returns.resolves.toEqualTypeOf<Principal>()
    expectTypeOf<Rescind['check']>().returns.toEqualTypeOf<Decision | Promise<Decision>>()
    expectTypeOf<Rescind['jwks']>().returns.toEqualTypeOf<{ keys: JsonWebKey[] }>()
    expectTypeOf<Rescind['revoke']['subject']>().returns.resolves.toBeNumber()
    expectTypeOf<Rescind['sessions']['get']>().returns.resolves.toEqualTypeOf<SessionRecord | null>()
    expectTypeOf<Rescind['sessions']['list']>().returns.resolves.toEqualTypeOf<SessionPage>()
    expectTypeOf<{ sub: string }>().toExtend<Login>()
    expectTypeOf<{ identity: string }>().toExtend<Login>()
    expectTypeOf<{ fresh: true }>().not.toExtend<Login>()
    expectTypeOf<{ sub: string; identity: string }>().not.toExtend<Login>()
    expectTypeOf<{ claims: { nested: [1, { a: null }] }; sub: string }>().toExtend<Login>()
    expectTypeOf<{ claims: { when: Date }; sub: string }>().not.toExtend<Login>()
    expectTypeOf<'optional'>().not.toExtend<keyof NonNullable<Parameters<Rescind['verify']>[1]>>()
  })

  it('gives what cannot be changed', () => {
    expectTypeOf<Principal>().toEqualTypeOf<Readonly<Principal>>()
    expectTypeOf<Principal['type']>().toEqualTypeOf<'access' | 'refresh'>()
    expectTypeOf<Principal['sid']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Principal['claims']>().toEqualTypeOf<JsonObject>()
  })
})

describe('the types of user, claims and identity', () => {
  const keys = createKeyRing({ active: generateKey('EdDSA') })
  const auth = createRescind({
    store: memoryStore(),
    keys,
    identity: (account: { id: number }) => String(account.id),
    parseClaims: (claims) => ({ role: claims.role === 'admin' ? ('admin' as const) : ('user' as const) }),
    user: async (claims) => {
      expectTypeOf(claims).toEqualTypeOf<{ role: 'admin' | 'user' }>()
      return claims.role === 'admin' ? { name: 'Ada' } : null
    },
  })

  it('flow into the principal', () => {
    type Ours = Principal<{ name: string }, { role: 'admin' | 'user' }>
    expectTypeOf(auth.verify).returns.resolves.toEqualTypeOf<Ours>()
    expectTypeOf(auth.check).returns.toEqualTypeOf<Decision<Ours> | Promise<Decision<Ours>>>()
    expectTypeOf<Ours['user']>().toEqualTypeOf<{ name: string }>()
    expectTypeOf<Ours['claims']>().toEqualTypeOf<{ role: 'admin' | 'user' }>()
  })

  it('flow into what tokens are minted for', () => {
    expectTypeOf(auth.issue).parameter(0).toExtend<Login<{ id: number }>>()
    // @ts-expect-error an identity of another type
    void (() => auth.issue({ identity: { id: '1' } }))
  })

  it('are unknown to who does not ask for them', () => {
    expectTypeOf(auth).toExtend<Rescind<unknown, object, { id: number }>>()
    expectTypeOf<Principal['user']>().toBeUnknown()
  })
})

describe('Decision', () => {
  it('is narrowed by ok: a principal, which may be null, or an error', () => {
    const decision = {} as Decision
    expectTypeOf<keyof Decision>().toEqualTypeOf<'ok'>()
    if (decision.ok) {
      expectTypeOf(decision.principal).toEqualTypeOf<Principal | null>()
      expectTypeOf(decision).not.toHaveProperty('error')
      if (decision.principal !== null) expectTypeOf(decision.principal).toEqualTypeOf<Principal>()
    } else {
      expectTypeOf(decision.error).toEqualTypeOf<RescindError>()
      expectTypeOf(decision).not.toHaveProperty('principal')
    }
  })
})

describe('keys', () => {
  it('take text, bytes, JWKs and KeyObjects, and one algorithm', () => {
    expectTypeOf(createKey).parameter(0).toEqualTypeOf<string | Uint8Array | JsonWebKey | KeyObject>()
    expectTypeOf<KeyOptions['alg']>().toEqualTypeOf<Algorithm>()
    expectTypeOf<{ kid: string }>().not.toExtend<KeyOptions>()
    expectTypeOf<'none'>().not.toExtend<Algorithm>()
    expectTypeOf<'ES256' | 'EdDSA' | 'HS256' | 'RS256' | 'PS512'>().toExtend<Algorithm>()
    expectTypeOf(isAlgorithm).guards.toEqualTypeOf<Algorithm>()
    expectTypeOf<Key['sign']>().toEqualTypeOf<(input: string) => Awaitable<string>>()
    expectTypeOf<Key['verify']>().toEqualTypeOf<(input: string, signature: string) => Awaitable<boolean>>()
    expectTypeOf<Key['publicJwk']>().returns.toEqualTypeOf<JsonWebKey | null>()
    expectTypeOf(createKeyRing).parameter(0).toEqualTypeOf<{ active?: Key | undefined; verifyOnly?: readonly Key[] }>()
  })
})

describe('ports', () => {
  it('better-sqlite3 is what the SQLite store asks for', () => {
    expectTypeOf<Database.Database>().toExtend<SqliteLike>()
    expectTypeOf<{ exec: () => void }>().not.toExtend<SqliteLike>()
    expectTypeOf(sqliteStore).returns.toEqualTypeOf<Store>()
    expectTypeOf(memoryStore).returns.toEqualTypeOf<Store>()
  })
  it('a Store needs every part', () => {
    expectTypeOf<Omit<Store, 'ledger'>>().not.toExtend<Store>()
    expectTypeOf<Omit<Store, 'sessions'>>().not.toExtend<Store>()
    expectTypeOf<Omit<Store, 'guarantees'>>().not.toExtend<Store>()
  })
  it('the fake clock is a clock', () => {
    expectTypeOf(createFakeClock).returns.toEqualTypeOf<FakeClock>()
    expectTypeOf<FakeClock>().toExtend<Clock>()
  })
})

describe('errors', () => {
  it('carry a code of a closed set', () => {
    expectTypeOf<RescindError['code']>().toEqualTypeOf<ErrorCode>()
    expectTypeOf<'token_revoked' | 'unsafe_key'>().toExtend<ErrorCode>()
    expectTypeOf<string>().not.toExtend<ErrorCode>()
    expectTypeOf<RescindError>().toExtend<Error>()
    expectTypeOf(isRequestErrorCode).guards.toEqualTypeOf<RequestErrorCode>()
    expectTypeOf(problemAnswer).parameter(0).toEqualTypeOf<RescindError>()
    expectTypeOf<Problem['code']>().toEqualTypeOf<RequestErrorCode>()
  })
})
