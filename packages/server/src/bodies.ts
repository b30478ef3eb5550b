import { RescindError } from 'rescind'
import type { FieldError } from 'rescind/wire'
import { z } from 'zod'
import { InvalidBodyError } from './problems.ts'
import { parseEmailAddress } from './services/email-address.ts'

const MIN_PASSWORD = 8
const MAX_PASSWORD = 128
const MAX_LOGIN_PASSWORD_BYTES = 1024

const email = z
  .string()
  .meta({ format: 'email', maxLength: 254 })
  .transform((text, context) => {
    const address = parseEmailAddress(text)
    if (address !== null) return address
    context.addIssue({ code: 'custom', message: 'must be an e-mail address of up to 254 characters' })
    return z.NEVER
  })

// UTF-8 has no lone surrogates: every one becomes U+FFFD, and different passwords would be the same.
const isText = (text: string) => !/\p{Surrogate}/u.test(text)

const newPassword = z
  .string()
  .refine((text) => isBetween([...text].length, MIN_PASSWORD, MAX_PASSWORD), {
    message: `must have ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`,
  })
  .refine(isText, { message: 'must be Unicode text' })
  .meta({ minLength: MIN_PASSWORD, maxLength: MAX_PASSWORD })

const password = z.string().refine((text) => Buffer.byteLength(text) <= MAX_LOGIN_PASSWORD_BYTES, {
  message: `may have up to ${MAX_LOGIN_PASSWORD_BYTES} bytes`,
})

/** `POST /auth/register` */
export const registerBody = z.strictObject({ email, password: newPassword })

/** `POST /auth/login`: today's rules for new passwords must not lock an older one out, so only its size is checked. */
export const loginBody = z.strictObject({ email, password })

/** `POST /auth/password/change` */
export const changePasswordBody = z.strictObject({ current_password: password, new_password: newPassword })

/** `POST /auth/reauthenticate` */
export const reauthenticateBody = z.strictObject({ password })

const mailedToken = z.string().min(1, 'must not be empty').max(128, 'may have up to 128 characters')

/** `POST /auth/password/forgot` */
export const forgotPasswordBody = z.strictObject({ email })

/** `POST /auth/password/reset` */
export const resetPasswordBody = z.strictObject({ token: mailedToken, new_password: newPassword })

/** `POST /auth/email/verify` */
export const verifyEmailBody = z.strictObject({ token: mailedToken })

/** `POST /auth/email/change` */
export const changeEmailBody = z.strictObject({ email, password: password.optional() })

/** `POST /auth/refresh`: without a body the token is in the header. */
export const refreshBody = z.strictObject({ refresh_token: z.string().optional() })

/** `POST /revocations/find`: a token's ids. Times are milliseconds since the epoch. */
export const findRevocationBody = z.strictObject({
  jti: z.string().optional(),
  sid: z.string().optional(),
  sub: z.string().optional(),
  iat_ms: z.number(),
  now_ms: z.number().optional(),
})

function isBetween(count: number, min: number, max: number): boolean {
  return count >= min && count <= max
}

// A hostile body could otherwise make the answer as long as itself.
const MAX_ERRORS = 20
const MAX_PATH = 64

/**
 * The body as `schema` has it.
 *
 * @throws RescindError `invalid_request`, naming each field that is wrong
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RescindError('invalid_request', 'The body must be a JSON object.')
  }
  const result = schema.safeParse(body)
  if (result.success) return result.data
  throw new InvalidBodyError(result.error.issues.flatMap(fieldErrors).slice(0, MAX_ERRORS))
}

function fieldErrors(issue: z.core.$ZodIssue): readonly FieldError[] {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [{ path: path.slice(0, MAX_PATH), message: issue.message }]
  return issue.keys.map((key) => ({ path: key.slice(0, MAX_PATH), message: 'is not a known field' }))
}
