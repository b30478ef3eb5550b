/** So many, in so long. */
export interface Allowance {
  readonly count: number
  readonly windowMs: number
}

/** How much is let through. What is counted for a network is one IPv4 address or one IPv6 /64. */
export interface RateLimitSettings {
  /** Passwords sent by one network. */
  readonly login: Allowance
  /** Accounts asked for by one network. */
  readonly register: Allowance
  /** Mails asked for by one network. */
  readonly mail: Allowance
  /** Mailed codes presented by one network. */
  readonly code: Allowance
  /** Refreshes by one network. */
  readonly refresh: Allowance
  /** Refused credentials of clients and services from one network. */
  readonly client: Allowance
  /** Wrong passwords for one account before it is waited between them. */
  readonly freeGuesses: number
  /** The longest wait between two wrong passwords for one account. */
  readonly maxGuessDelayMs: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** What holds where the operator says nothing else. docs/security.md tells what it bounds. */
export const defaultRateLimits: RateLimitSettings = {
  login: { count: 100, windowMs: 15 * MINUTE_MS },
  register: { count: 20, windowMs: HOUR_MS },
  mail: { count: 20, windowMs: HOUR_MS },
  code: { count: 30, windowMs: 15 * MINUTE_MS },
  refresh: { count: 600, windowMs: MINUTE_MS },
  client: { count: 60, windowMs: MINUTE_MS },
  freeGuesses: 5,
  maxGuessDelayMs: 10 * MINUTE_MS,
}
