import type { User } from 'rescind/wire'
import { z } from 'zod'
import { sessionSchema, timestampSchema, userSchema } from './resource-schemas.ts'

// What operators are shown.

const nextCursor = z.string().nullable().meta({ description: 'null on the last page' })

export const adminUserSchema = userSchema
  .extend({ disabled_at: timestampSchema.nullable() })
  .meta({ id: 'AdminUser' }) satisfies z.ZodType<User & { disabled_at: string | null }>

export const adminUsersSchema = z
  .strictObject({ users: z.array(adminUserSchema), next_cursor: nextCursor })
  .meta({ id: 'AdminUsers' })

export const adminSessionsSchema = z
  .strictObject({ sessions: z.array(sessionSchema), next_cursor: nextCursor })
  .meta({ id: 'AdminSessions' })

const kindSchema = z.enum(['token', 'session', 'subject', 'everything'])

export const adminRevocationSchema = z
  .strictObject({
    kind: kindSchema,
    id: z.string().nullable(),
    before: timestampSchema.nullable().meta({ description: 'Tokens issued until then are dead' }),
    except: z.string().nullable().meta({ description: 'The one session of a subject that is spared' }),
    by: z.string().nullable(),
    reason: z.string().nullable(),
    at: timestampSchema,
    expires_at: timestampSchema,
  })
  .meta({ id: 'AdminRevocation' })

export const adminRevocationsSchema = z
  .strictObject({ revocations: z.array(adminRevocationSchema), next_cursor: nextCursor })
  .meta({ id: 'AdminRevocations' })

export const previewSchema = z.strictObject({ sessions: z.int() }).meta({ id: 'RevocationPreview' })

export const adminKeySchema = z
  .strictObject({
    kid: z.string(),
    alg: z.string(),
    state: z.enum(['published', 'signing', 'verifying']),
    created_at: timestampSchema,
    signs_from: timestampSchema,
    expires_at: timestampSchema.nullable(),
  })
  .meta({ id: 'AdminKey' })

export const adminKeysSchema = z.strictObject({ keys: z.array(adminKeySchema) }).meta({ id: 'AdminKeys' })

export const auditEntrySchema = z
  .strictObject({
    id: z.string(),
    at: timestampSchema,
    actor: z.strictObject({ kind: z.string(), id: z.string(), ip: z.string().nullable() }),
    action: z.string(),
    target: z.strictObject({ kind: z.string(), id: z.string().nullable() }).nullable(),
    reason: z.string().nullable(),
    outcome: z.enum(['asked', 'failed']),
    failure: z.strictObject({ of: z.string(), code: z.string() }).nullable(),
  })
  .meta({ id: 'AuditEntry' })

export const auditEntriesSchema = z
  .strictObject({ entries: z.array(auditEntrySchema), next_cursor: nextCursor })
  .meta({ id: 'AuditEntries' })

export const adminStatsSchema = z
  .strictObject({
    users: z.strictObject({ all: z.int(), disabled: z.int() }),
    live_sessions: z.int(),
    live_revocations: z.strictObject({
      all: z.int(),
      by_kind: z.strictObject({ token: z.int(), session: z.int(), subject: z.int(), everything: z.int() }).nullable(),
    }),
    replica: z
      .strictObject({
        state: z.enum(['catching-up', 'live', 'stale', 'unavailable']),
        lag_ms: z.number().nullable(),
      })
      .meta({ description: 'Of the process that answers' }),
  })
  .meta({ id: 'AdminStats' })
