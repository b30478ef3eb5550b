import { RescindError } from 'rescind'
import { z } from 'zod'

/**
 * `POST /oauth/introspect` (RFC 7662 §2.1) and `POST /oauth/revoke` (RFC 7009 §2.1). Fields that are not known are let
 * pass, as RFC 6749 §3.2 asks.
 */
export const tokenForm = z.object({
  token: z.string().min(1),
  token_type_hint: z.string().optional(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
})

/** What the form of a request about one token says. */
export type TokenForm = z.output<typeof tokenForm>

/**
 * The form of a request about one token.
 *
 * @throws RescindError `invalid_request`
 */
export function parseTokenForm(body: unknown): TokenForm {
  const result = tokenForm.safeParse(body ?? {})
  if (result.success) return result.data
  throw new RescindError('invalid_request', 'The form has no token.')
}
