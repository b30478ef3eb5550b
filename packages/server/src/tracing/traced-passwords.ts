import type { Tracer } from '@opentelemetry/api'
import type { Passwords } from '../services/passwords.ts'
import { inSpan } from './in-span.ts'

/** The same, with a span for each password that is hashed or compared: how long it waited for its turn is in it. */
export function tracedPasswords(passwords: Passwords, tracer: Tracer | null): Passwords {
  if (tracer === null) return passwords
  return {
    hash: (password, signal) => inSpan(tracer, 'password.hash', () => passwords.hash(password, signal)),
    matches: (password, passwordHash, signal) =>
      inSpan(tracer, 'password.compare', () => passwords.matches(password, passwordHash, signal)),
  }
}
