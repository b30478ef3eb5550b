export { type Clock, systemClock } from './base/clock.ts'
export { type ErrorCode, isRequestErrorCode, RescindError, type SetupErrorCode } from './base/errors.ts'
export { type RandomSource, systemRandom } from './base/ids.ts'
export type { Awaitable, JsonObject, JsonValue, TokenIds, TokenType } from './base/types.ts'
export type { FeedSink, Ledger, Page, Position, Transaction } from './revocation/ledger.ts'
export type { ReplicaState } from './revocation/replica.ts'
export type { Revocation, RevocationKind } from './revocation/revocation.ts'
export type { CheckOptions } from './session/check-options.ts'
export type { Explain, Explanation } from './session/explain.ts'
export type { Decision } from './session/guard.ts'
export type { Answers, Hooks, TokenSubject } from './session/hooks.ts'
export type { Login, SingleToken, Subject } from './session/login.ts'
export type { RescindOptions } from './session/options.ts'
export type { Principal } from './session/principal.ts'
export type { RequestGuard, ResponseView } from './session/request-guard.ts'
export {
  createRescind,
  type Rescind,
  type RescindStatus,
  type RevocationPreview,
} from './session/rescind.ts'
export type { EverythingReach, RevokeReason, SubjectReach, TokenTarget } from './session/revocation-orders.ts'
export type { Revoke, RevokeWithin, Uncommitted } from './session/revoke.ts'
export type { SessionCookies, SetCookies } from './session/session-cookies.ts'
export type {
  EndOrder,
  EndResult,
  NewSession,
  PageRequest,
  RotateClaim,
  RotateOutcome,
  SessionPage,
  SessionRecord,
  SessionSelector,
  Sessions,
  Store,
} from './session/sessions.ts'
export type { TokenPair } from './session/tokens.ts'
export { type Algorithm, algorithms, isAlgorithm } from './tokens/algorithms.ts'
export { createKeyRing, type KeyRing } from './tokens/key-ring.ts'
export {
  createKey,
  createKeyAsync,
  type GenerateOptions,
  generateKey,
  generateKeyAsync,
  type Key,
  type KeyOptions,
} from './tokens/keys.ts'
export type { CookieOptions } from './web/cookies.ts'
export type { CsrfOptions } from './web/csrf.ts'
export { bearerToken, type LocationName, type LocationOptions } from './web/locations.ts'
export type { RequestView } from './web/request.ts'
export { type Answer, type ProblemAnswer, type ProblemOptions, problemAnswer } from './web/respond.ts'
