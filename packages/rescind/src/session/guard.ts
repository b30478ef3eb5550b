import { RescindError } from '../base/errors.ts'
import type { CheckableToken, RevocationCheck, RevocationVerdict } from '../revocation/check.ts'
import type { NotedToken, VerifiedToken } from '../tokens/verify.ts'
import { type CsrfCheck, sameSecret } from '../web/csrf.ts'
import type { LocationName, TokenLocator } from '../web/locations.ts'
import type { RequestView } from '../web/request.ts'
import { type CheckOptions, checkDemands, slotOf } from './check-options.ts'
import { CheckedPrincipal, type Watch } from './checked-principal.ts'
import { callHook, type Hooks } from './hooks.ts'
import type { Principal } from './principal.ts'
import type { Tenants } from './tenants.ts'

/** The answer of a guard: who it is (`null` only on an optional route), or why not. */
export type Decision<P = Principal> =
  | { readonly ok: true; readonly principal: P | null }
  | { readonly ok: false; readonly error: RescindError }

/** Walks a request through location, signature, claims, revocation and the user's hooks, in this order. */
export interface Guard<P> {
  check(request: RequestView, options?: CheckOptions): Decision<P> | Promise<Decision<P>>
  checkToken(token: string, options?: CheckOptions): Decision<P> | Promise<Decision<P>>
}

/** What a guard is composed of. `wallNow` is in milliseconds since the epoch. */
export interface GuardParts<User, Claims extends object, Identity> {
  readonly locator: TokenLocator
  /** `null` where no cookie is read, or where the program has switched it off. */
  readonly csrf: CsrfCheck | null
  readonly tenants: Tenants
  readonly revoked: RevocationCheck
  readonly hooks: Hooks<User, Claims, Identity>
  readonly wallNow: () => number
  readonly watch: Watch
}

/** A token as a request carries it. */
interface FoundToken {
  readonly token: string
  readonly location: LocationName | null
  /** What was submitted along with a cookie; `undefined` where nothing has to be. */
  readonly csrf: string | undefined
}

/** Composes the pipeline. */
export function createGuard<User, Claims extends object, Identity>(
  parts: GuardParts<User, Claims, Identity>,
): Guard<Principal<User, Claims>> {
  type Verdict = Decision<Principal<User, Claims>>
  const { locator, csrf, tenants, revoked, hooks, wallNow, watch } = parts
  const { verificationKeys, parseClaims, verifyClaims, isRevoked, user: findUser } = hooks
  const hasHooks = [verificationKeys, parseClaims, verifyClaims, isRevoked, findUser].some(Boolean)

  const find = (request: RequestView, options: CheckOptions): FoundToken | null => {
    const slot = slotOf(options)
    const located = locator.locate(request, slot, options.locations)
    if (located.token === null) return null
    const { token, location } = located
    if (location !== 'cookie' || csrf === null || !csrf.applies(request)) return { token, location, csrf: undefined }
    const submitted = csrf.submitted(request, slot)
    if (submitted === null) throw new RescindError('csrf_failed', 'The CSRF token is missing: send it in a header.')
    return { token, location, csrf: submitted }
  }

  /** Without hooks, all that a check may have to wait for is a signature and the ledger. */
  const checkPlainly = (found: FoundToken, options: CheckOptions): Verdict | Promise<Verdict> => {
    const nowMs = wallNow()
    const noted = tenants.verify(found.token, nowMs, isPart(found))
    return noted instanceof Promise
      ? noted.then((late) => checkNoted(late, found, { options, nowMs }))
      : checkNoted(noted, found, { options, nowMs })
  }

  const checkNoted = (
    { verified, note }: NotedToken<CheckableToken>,
    found: FoundToken,
    { options, nowMs }: { options: CheckOptions; nowMs: number },
  ): Verdict | Promise<Verdict> => {
    checkCsrf(verified, found)
    const fresh = checkDemands(verified, options, nowMs)
    const verdict = options.skipRevocation === true ? null : revoked(note)
    const pass = (settled: RevocationVerdict): Verdict => {
      checkVerdict(settled)
      // Without the hooks that could give them another type, the claims are what they are and there is no user.
      const claims = unparsed<Claims>(verified)
      const passed = { verified, fresh, location: found.location, claims, user: undefined as User }
      return { ok: true, principal: new CheckedPrincipal(passed, watch) }
    }
    return verdict instanceof Promise ? verdict.then(pass) : pass(verdict)
  }

  const checkWithHooks = async (found: FoundToken, options: CheckOptions): Promise<Verdict> => {
    const nowMs = wallNow()
    const { verified, note } = await tenants.verify(found.token, nowMs, isPart(found))
    checkCsrf(verified, found)
    const fresh = checkDemands(verified, options, nowMs)
    const { header } = verified
    const claims = await parsed(verified, parseClaims)
    if (verifyClaims !== undefined && (await callHook('verifyClaims', () => verifyClaims(claims, header))) !== true) {
      throw claimsRejected()
    }
    if (options.skipRevocation !== true) {
      checkVerdict(await revoked(note))
      // Anything but a plain "no" is a yes.
      if (isRevoked !== undefined && (await callHook('isRevoked', () => isRevoked(claims, header))) !== false) {
        throw tokenRevoked()
      }
    }
    const user = findUser === undefined ? undefined : await callHook('user', () => findUser(claims, header))
    if (findUser !== undefined && (user === null || user === undefined)) {
      throw new RescindError('user_not_found', 'The user of the token cannot be found.')
    }
    // It may have been revoked while the hooks were asked.
    if (options.skipRevocation !== true) checkVerdict(await revoked(note))
    const passed = { verified, fresh, location: found.location, claims, user: user as User }
    return { ok: true, principal: new CheckedPrincipal(passed, watch) }
  }

  const checkFound = (found: FoundToken, options: CheckOptions): Verdict | Promise<Verdict> => {
    const verdict = hasHooks ? checkWithHooks(found, options) : checkPlainly(found, options)
    return verdict instanceof Promise ? verdict.catch(refuse) : verdict
  }

  return {
    check(request, options = {}) {
      try {
        const found = find(request, options)
        if (found !== null) return checkFound(found, options)
      } catch (error) {
        return refuse(error)
      }
      if (options.optional === true) return { ok: true, principal: null }
      return { ok: false, error: new RescindError('token_missing', 'Send a token: Authorization: Bearer <token>.') }
    },
    checkToken(token, options = {}) {
      try {
        return checkFound({ token, location: null, csrf: undefined }, options)
      } catch (error) {
        return refuse(error)
      }
    },
  }
}

/** A header holds little more than its token; cookies come all in one text, and of what a program gives nobody knows. */
function isPart({ location }: FoundToken): boolean {
  return location === 'cookie' || location === null
}

function checkCsrf(verified: VerifiedToken, { csrf: submitted }: FoundToken): void {
  if (submitted === undefined) return
  // A token that names none cannot be protected: a tossed cookie would pass.
  if (verified.csrf === undefined) {
    throw new RescindError('csrf_failed', 'The cookie names no CSRF token: it was made where no cookies are read.')
  }
  if (!sameSecret(verified.csrf, submitted)) {
    throw new RescindError('csrf_failed', 'The CSRF token is not that of the cookie.')
  }
}

function checkVerdict(verdict: RevocationVerdict): void {
  if (verdict instanceof RescindError) throw verdict
  if (verdict !== null) throw tokenRevoked()
}

/** Without the hook, the claims keep the type that they have. */
function unparsed<Claims extends object>({ claims }: VerifiedToken): Claims {
  return claims as object as Claims
}

async function parsed<Claims extends object>(
  verified: VerifiedToken,
  parseClaims: Hooks<unknown, Claims, never>['parseClaims'],
): Promise<Claims> {
  if (parseClaims === undefined) return unparsed(verified)
  try {
    return await parseClaims(verified.claims)
  } catch (cause) {
    throw cause instanceof RescindError ? cause : claimsRejected(cause)
  }
}

function claimsRejected(cause?: unknown): RescindError {
  return new RescindError('claims_rejected', 'The claims of the token are not accepted.', { cause })
}

function tokenRevoked(): RescindError {
  return new RescindError('token_revoked', 'The token has been revoked.')
}

function refuse(error: unknown): { readonly ok: false; readonly error: RescindError } {
  if (error instanceof RescindError) return { ok: false, error }
  // A request is answered whatever goes wrong, and never let through.
  return { ok: false, error: new RescindError('internal_error', 'The check failed.', { cause: error }) }
}
