import { RescindError } from 'rescind'
import { z } from 'zod'
import { isReason } from '../services/operators/audit-trail.ts'

const reason = z
  .string()
  .refine(isReason, { message: 'must have 1 to 500 characters, none of them a control character' })
  .meta({ minLength: 1, maxLength: 500, description: 'Why; it is kept in the audit log' })

/** `POST /admin/users/{id}/disable`, `POST /admin/users/{id}/enable` and `POST /admin/keys/rotate`: may be left out. */
export const reasonBody = z.strictObject({ reason: reason.optional() })

/** `POST /admin/keys/{kid}/retire` */
export const retireBody = z.strictObject({ reason })

const wish = {
  kind: z.enum(['token', 'session', 'subject', 'everything']),
  id: z.string().min(1).max(512).optional().meta({ description: 'The jti, the sid or the sub; none with everything' }),
}

/** `POST /admin/revocations/preview` */
export const previewBody = z.strictObject(wish)

/** `POST /admin/revocations` */
export const revocationBody = z.strictObject({
  ...wish,
  reason,
  max_sessions: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Refuses where more live sessions than these would end' }),
})

/** Which part of a listing. */
export const pageQuery = z.strictObject({
  cursor: z.string().max(2_048).optional().meta({ description: 'The next_cursor of the page before' }),
  limit: z.coerce.number().int().min(1).max(200).optional().meta({ description: 'How many; 50 if it is left out' }),
})

/** `GET /admin/users` */
export const usersQuery = pageQuery.extend({
  query: z.string().max(254).optional().meta({ description: 'A part of an e-mail address, or a whole id' }),
})

/** `DELETE /admin/users/{id}/sessions`, which takes no body. */
export const reasonQuery = z.strictObject({ reason: reason.optional() })

/**
 * The parameters of a URL as `schema` has them.
 *
 * @throws RescindError `invalid_request`
 */
export function parseQuery<Schema extends z.ZodObject>(schema: Schema, query: unknown): z.output<Schema> {
  const result = schema.safeParse(query)
  if (result.success) return result.data
  const [name] = result.error.issues[0]?.path ?? []
  // Only names of our own: an unknown one would bring a stranger's text into the answer.
  const detail =
    name === undefined ? 'There is a parameter that is not known.' : `The parameter ${String(name)} is wrong.`
  throw new RescindError('invalid_request', detail)
}
