import type { TokenIds } from '../base/types.ts'

/**
 * A durable record that some tokens are dead.
 *
 * | kind | kills |
 * | --- | --- |
 * | `token` | the token with this `jti` |
 * | `session` | every token with this `sid` |
 * | `subject` | every token with this `sub` issued at or before `before`, but for those of the session `except` |
 * | `everything` | every token issued at or before `before` |
 *
 * All times are milliseconds since the epoch. The record is kept until `expiresAt`, when no token it could match can
 * still be valid.
 */
export type Revocation =
  | (RevocationFacts & { readonly kind: 'token' | 'session'; readonly id: string })
  | (RevocationFacts & {
      readonly kind: 'subject'
      readonly id: string
      readonly before: number
      readonly except?: string | undefined
    })
  | (RevocationFacts & { readonly kind: 'everything'; readonly before: number })

interface RevocationFacts {
  readonly expiresAt: number
  /** When it was recorded. */
  readonly at: number
  /** Who asked for it. */
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

/** The four kinds of {@link Revocation}. */
export type RevocationKind = Revocation['kind']

/** True when the record kills a token with these ids. The one definition of what each kind means. */
export function kills(record: Revocation, ids: TokenIds): boolean {
  switch (record.kind) {
    case 'token':
      return ids.jti === record.id
    case 'session':
      return ids.sid === record.id
    case 'subject':
      return (
        ids.sub === record.id &&
        ids.iatMs <= record.before &&
        (record.except === undefined || ids.sid !== record.except)
      )
    case 'everything':
      return ids.iatMs <= record.before
  }
}
