import { RescindError } from '../base/errors.ts'
import type { RequestView } from './request.ts'

/** A part of a request that may carry a token. */
export type LocationName = 'header' | 'cookie' | 'query' | 'body'

/** Which of the two tokens of a login a route reads. Decides the name of the cookie and the key in the body. */
export type TokenSlot = 'access' | 'refresh'

/** Why one location holds no token. */
export type MissingToken =
  | { readonly location: 'header'; readonly reason: 'no_header' | 'other_scheme' }
  | { readonly location: 'cookie'; readonly reason: 'no_cookie' }
  | { readonly location: 'query'; readonly reason: 'no_parameter' | 'no_prefix' }
  | { readonly location: 'body'; readonly reason: 'content_type' | 'no_key' }

/** Reads one location: the token, or why there is none. Throws `token_malformed` for what cannot be read as one token. */
export type TokenReader = (request: RequestView, slot: TokenSlot) => string | MissingToken

/** The refusal of what a request carries in place of one token. */
export function malformed(message: string): RescindError {
  return new RescindError('token_malformed', message)
}
