import type { Revocation } from '../../revocation/revocation.ts'

/**
 * What makes two records the same revocation, whoever asked for it and why. Recording one again changes nothing, but
 * for a later `expiresAt`. The separator occurs in no UUID, and where an id holds it the parts still have their places.
 */
export function identityOf(record: Revocation): string {
  switch (record.kind) {
    case 'token':
    case 'session':
      return `${record.kind}:${record.id}`
    case 'subject':
      return `subject:${record.before}:${record.except?.length ?? -1}:${record.except ?? ''}:${record.id}`
    case 'everything':
      return `everything:${record.before}`
  }
}
