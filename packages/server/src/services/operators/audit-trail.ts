import { type Clock, RescindError } from 'rescind'
import type { AuditEntry, AuditLog } from '../../repositories/audit.ts'
import { createAuditIds } from './audit-ids.ts'
import { isPlaceText, limitOf, pageOf, readCursor, writeCursor } from './listing.ts'
import type { Act, ListPage, ListRequest } from './operators.ts'
import { isReadable, madeReadable } from './readable-text.ts'

/** What is done, and to what. */
export interface AuditedDeed {
  readonly action: string
  readonly target?: { readonly kind: string; readonly id: string | null }
}

/** The audit log, as acts go through it. */
export interface AuditTrail {
  /** Does the work once it is written down who asked for it; where that fails, the work is not done. */
  audited<T>(act: Act, deed: AuditedDeed, work: () => Promise<T>): Promise<T>
  list(request: ListRequest): Promise<ListPage<AuditEntry>>
}

const MAX_REASON = 500
const MAX_ACTOR_ID = 256

/** Throws `invalid_request` for a reason that cannot be kept as it is. */
function checkReason(reason: string | null): void {
  if (reason === null || isReason(reason)) return
  throw new RescindError('invalid_request', `A reason has 1 to ${MAX_REASON} characters, and no control characters.`)
}

/** True for a reason that can be kept as it is. */
export function isReason(reason: string): boolean {
  return reason !== '' && reason.length <= MAX_REASON && isReadable(reason)
}

/** Writes down what is done. */
export function createAuditTrail(parts: { log: AuditLog; clock: Clock }): AuditTrail {
  const { log, clock } = parts
  const newId = createAuditIds(clock)
  return {
    async audited({ actor, reason }, { action, target }, work) {
      checkReason(reason)
      const asked: AuditEntry = {
        id: newId(),
        atMs: clock.now(),
        actorKind: actor.kind,
        actorId: madeReadable(actor.id.slice(0, MAX_ACTOR_ID)),
        ip: actor.ip,
        action,
        targetKind: target?.kind ?? null,
        targetId: target?.id ?? null,
        reason,
        outcome: 'asked',
        failureOf: null,
        failureCode: null,
      }
      await log.append(asked)
      try {
        return await work()
      } catch (error) {
        const failureCode = error instanceof RescindError ? error.code : 'internal_error'
        const failed = { id: newId(), atMs: clock.now(), outcome: 'failed', failureOf: asked.id, failureCode } as const
        // Whoever asked is told why the work failed, and not why that could not be written down.
        await log.append({ ...asked, ...failed }).catch(() => {})
        throw error
      }
    },
    async list(request) {
      const limit = limitOf(request)
      const beforeId = readCursor(request, 'audit', ([id]) => (isPlaceText(id) ? id : null))
      const entries = await log.page({ beforeId, limit: limit + 1 })
      return pageOf(entries, limit, ({ id }) => writeCursor('audit', [id]))
    },
  }
}

/** Who did it, as a revocation's record tells it. */
export function byOf({ actor }: Act): string {
  return actor.kind === 'command_line' ? `command line: ${actor.id}` : actor.id
}
