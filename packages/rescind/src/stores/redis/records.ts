import type { Revocation } from '../../revocation/revocation.ts'
import { marked } from './replies.ts'

/** The seven values by which the scripts know a record: kind, id, before, except, expiry, lifetime, JSON. */
export function recordArgs(record: Revocation): string[] {
  const times = [String(record.expiresAt), String(record.expiresAt - record.at)]
  const json = JSON.stringify(record)
  switch (record.kind) {
    case 'token':
      return ['t', marked(record.id), '', '', ...times, json]
    case 'session':
      return ['s', marked(record.id), '', '', ...times, json]
    case 'subject':
      return ['u', marked(record.id), String(record.before), marked(record.except), ...times, json]
    case 'everything':
      return ['all', '', String(record.before), '', ...times, json]
  }
}

/** The end of a record's JSON that it shares with those recorded for the single sessions it ends. */
export function sharedJson({ expiresAt, at, by, reason }: Revocation): string {
  return JSON.stringify({ expiresAt, at, by, reason }).slice(1)
}
