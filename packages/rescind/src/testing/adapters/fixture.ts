import type { CheckOptions } from '../../session/check-options.ts'
import type { RescindOptions } from '../../session/options.ts'
import type { TokenPair } from '../../session/tokens.ts'
import type { Answer } from '../../web/respond.ts'
import type { RequestErrorCode } from '../../wire.ts'
import type { RawRequest } from './raw-http.ts'
import type { AdapterWorld, AnyGuard, ShownPrincipal } from './world.ts'

/** One request to a route behind the guard, and what must come of it. */
export interface AdapterFixture {
  readonly name: string
  readonly settings?: Partial<RescindOptions<unknown>>
  /** Given to the adapter for the route. */
  readonly options?: CheckOptions
  /** Takes the library's place before the adapter. */
  readonly guard?: (world: AdapterWorld) => AnyGuard
  /** What happens before the request. */
  readonly before?: (world: AdapterWorld) => unknown
  readonly request: (world: AdapterWorld) => RawRequest
  readonly expected: Expected
}

type Expected =
  /** It passes: what the route sees of the principal, and of the field `note` in the body. */
  | { readonly principal: Partial<ShownPrincipal> | null; readonly note?: string }
  /** It is refused with a problem document. */
  | { readonly code: RequestErrorCode; readonly challenge?: string }
  | { readonly answer: Answer }

/** A header of a request. */
export type Header = readonly [name: string, value: string]

/** The header that carries a token. */
export const bearer = (token: string): Header => ['Authorization', `Bearer ${token}`]

/** The header that carries the access tokens of these logins as cookies. */
export const cookieHeader = (...pairs: TokenPair[]): Header => [
  'Cookie',
  pairs.map(({ accessToken }) => `__Host-access_token=${accessToken}`).join('; '),
]

/** Alice's access token in the header. */
export const withAccess = ({ alice }: AdapterWorld): RawRequest => ({ headers: [bearer(alice.accessToken)] })
/** Alice's refresh token in the header. */
export const withRefresh = ({ alice }: AdapterWorld): RawRequest => ({ headers: [bearer(alice.refreshToken)] })
/** Alice's access token in its cookie. */
export const withCookie = ({ alice }: AdapterWorld): RawRequest => ({ headers: [cookieHeader(alice)] })
