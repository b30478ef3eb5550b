import type { Tracer } from '@opentelemetry/api'
import type { Rescind, RevokeWithin } from 'rescind'
import { inSpan } from './in-span.ts'

/** The same, with a span for everything that writes to the store. No span says whose token or session it was. */
export function tracedRescind(auth: Rescind, tracer: Tracer | null): Rescind {
  if (tracer === null) return auth
  const span = <T>(name: string, work: () => Promise<T>) => inSpan(tracer, `rescind.${name}`, work)
  const { revoke } = auth
  return {
    ...auth,
    issue: (login) => span('issue', () => auth.issue(login)),
    refresh: (token) => span('refresh', () => auth.refresh(token)),
    revoke: {
      token: (target, why) => span('revoke.token', () => revoke.token(target, why)),
      session: (sid, why) => span('revoke.session', () => revoke.session(sid, why)),
      subject: (sub, reach) => span('revoke.subject', () => revoke.subject(sub, reach)),
      everything: (reach) => span('revoke.everything', () => revoke.everything(reach)),
      within(transaction): RevokeWithin {
        const within = revoke.within(transaction)
        return {
          token: (target, why) => span('revoke.token', () => within.token(target, why)),
          session: (sid, why) => span('revoke.session', () => within.session(sid, why)),
          subject: (sub, reach) => span('revoke.subject', () => within.subject(sub, reach)),
          everything: (reach) => span('revoke.everything', () => within.everything(reach)),
        }
      },
    },
  }
}
