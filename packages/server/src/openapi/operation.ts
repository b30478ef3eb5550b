import type { RequestErrorCode } from 'rescind/wire'
import type { z } from 'zod'

/** The chapters of the document. */
export const tags = {
  accounts: 'Accounts: made, entered, changed',
  sessions: 'Sessions: looked at, prolonged, ended',
  oauth: 'The OAuth standards, for programs',
  revocations: 'What is revoked, for resource servers',
  administration: 'For operators',
  discovery: 'What others need to know to check tokens',
  operations: 'Whether the service lives, and how it describes itself',
} as const

/**
 * What a caller shows to get in: a user's access token, a fresh one, a refresh token, a service credential (a bearer
 * token of the service's own), a client's id and secret (HTTP Basic), or what shows an operator: an administrator's fresh
 * access token, or a client with the scope `admin`. Users' tokens also come as cookies.
 */
export type AuthKind = 'access' | 'fresh' | 'refresh' | 'service' | 'client' | 'admin'

/** A parameter outside of the body. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  /** @default false; a parameter in the path is always required */
  readonly required?: boolean
  readonly description: string
  readonly schema: z.ZodType
}

/** The body of a request. Its schema is the one that the route validates with. */
export interface RequestBody {
  readonly schema: z.ZodType
  /** @default application/json */
  readonly mediaType?: string
  /** True where the request may come without one. @default false */
  readonly optional?: boolean
}

/** An answer that is not a problem document. */
export interface Answer {
  readonly description: string
  /** None: the answer has no body. A schema with `.meta({ id })` becomes a component of that name. */
  readonly schema?: z.ZodType
  /** @default application/json */
  readonly mediaType?: string
  /** Headers that matter to the caller: name → what it holds. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One method of one path, as `/openapi.json` describes it. */
export interface Operation {
  /** Unique; what generated clients name their function. camelCase */
  readonly id: string
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** As the router has it: `/auth/sessions/:id`. */
  readonly path: string
  readonly tag: keyof typeof tags
  /** A few words, without a full stop. */
  readonly summary: string
  readonly description?: string
  /** Any one of these lets the caller in; none: anyone may call. */
  readonly auth: readonly AuthKind[]
  readonly parameters?: readonly Parameter[]
  readonly body?: RequestBody
  /** By status; errors are not listed here but in `errors`, unless they are no problem documents. */
  readonly answers: Readonly<Record<number, Answer>>
  /**
   * The codes that this operation answers with, besides those that follow from `auth`, `body` and the rate limits and
   * those that every operation shares (see `shared-errors.ts`).
   */
  readonly errors: readonly RequestErrorCode[]
}
