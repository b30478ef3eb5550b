import type { Revocation } from '../../revocation/revocation.ts'

/**
 * A revocation as a service writes it in JSON. Everything is checked, and what is not understood is an error: a record
 * that was left aside would let a revoked token pass.
 */
export function parseRecord(value: unknown): Revocation {
  const fields = asObject(value)
  const facts = {
    expiresAt: time(fields, 'expires_at'),
    at: time(fields, 'at'),
    ...optional('by', text(fields, 'by')),
    ...optional('reason', text(fields, 'reason')),
  }
  switch (fields.kind) {
    case 'token':
    case 'session':
      return { kind: fields.kind, id: id(fields), ...facts }
    case 'subject':
      return {
        kind: 'subject',
        id: id(fields),
        before: time(fields, 'before'),
        ...optional('except', text(fields, 'except')),
        ...facts,
      }
    case 'everything':
      return { kind: 'everything', before: time(fields, 'before'), ...facts }
    default:
      throw unreadable('kind')
  }
}

/** A JSON object; throws for any other value. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable('an object')
  return value as Readonly<Record<string, unknown>>
}

/** Says what the service sent that this process cannot read, without repeating it. */
export function unreadable(what: string): Error {
  return new Error(`the service sent what this process cannot read: ${what}`)
}

function id(fields: Readonly<Record<string, unknown>>): string {
  const value = text(fields, 'id')
  if (value === undefined || value === '') throw unreadable('id')
  return value
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name]
  if (value !== undefined && typeof value !== 'string') throw unreadable(name)
  return value
}

function time(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unreadable(name)
  return value
}

function optional<Name extends string>(name: Name, value: string | undefined): { readonly [key in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in Name]?: string })
}
