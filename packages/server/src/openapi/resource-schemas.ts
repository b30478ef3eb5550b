import type {
  AccessTokenResponse,
  CookieTokenResponse,
  Problem,
  RequestErrorCode,
  Session,
  SessionsResponse,
  SessionsRevokedResponse,
  StatusResponse,
  TokenResponse,
  User,
} from 'rescind/wire'
import { requestErrors } from 'rescind/wire'
import { z } from 'zod'

// What answers look like. The types of `rescind/wire` hold these schemas to what the resources are made as.

/** A time as resources have it. */
export const timestampSchema = z.string().meta({ format: 'date-time' })

export const userSchema = z
  .strictObject({
    id: z.string(),
    email: z.string(),
    email_verified: z.boolean(),
    admin: z.boolean(),
    registered_at: timestampSchema,
  })
  .meta({ id: 'User' }) satisfies z.ZodType<User>

export const tokenResponseSchema = z
  .strictObject({
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds' }),
    refresh_expires_in: z.int().meta({ description: 'Seconds' }),
    session_id: z.string(),
    user: userSchema,
  })
  .meta({ id: 'TokenResponse' }) satisfies z.ZodType<TokenResponse>

export const accessTokenResponseSchema = z
  .strictObject({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds' }),
    session_id: z.string(),
    user: userSchema,
  })
  .meta({ id: 'AccessTokenResponse' }) satisfies z.ZodType<AccessTokenResponse>

export const cookieTokenResponseSchema = z
  .strictObject({
    expires_in: z.int().meta({ description: 'Seconds' }),
    refresh_expires_in: z.int().optional().meta({ description: 'Seconds' }),
    session_id: z.string(),
    user: userSchema,
  })
  .meta({ id: 'CookieTokenResponse', description: 'The tokens are in cookies.' }) satisfies z.ZodType<
  Omit<CookieTokenResponse, 'refresh_expires_in'> & { refresh_expires_in?: number | undefined }
>

export const sessionSchema = z
  .strictObject({
    id: z.string(),
    created_at: timestampSchema,
    last_used_at: timestampSchema,
    expires_at: timestampSchema,
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    device: z.string().nullable(),
    current: z.boolean(),
  })
  .meta({ id: 'Session' }) satisfies z.ZodType<Session>

export const statusResponseSchema = z
  .strictObject({
    user: userSchema,
    session: sessionSchema.nullable(),
    token: z.strictObject({
      id: z.string(),
      type: z.literal('access'),
      fresh: z.boolean(),
      issued_at: timestampSchema,
      expires_at: timestampSchema,
    }),
  })
  .meta({ id: 'StatusResponse' }) satisfies z.ZodType<StatusResponse>

export const sessionsResponseSchema = z
  .strictObject({ sessions: z.array(sessionSchema) })
  .meta({ id: 'SessionsResponse' }) satisfies z.ZodType<SessionsResponse>

export const sessionsRevokedResponseSchema = z
  .strictObject({ revoked: z.int() })
  .meta({ id: 'SessionsRevokedResponse' }) satisfies z.ZodType<SessionsRevokedResponse>

const codes = Object.keys(requestErrors) as [RequestErrorCode, ...RequestErrorCode[]]

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ format: 'uri' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(codes),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457. Programs test `code`.' }) satisfies z.ZodType<
  Omit<Problem, 'errors'> & { errors?: { path: string; message: string }[] | undefined }
>
