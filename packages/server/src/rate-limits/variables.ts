import { z } from 'zod'
import { DAY_MS, duration, MS_PER_UNIT } from '../duration.ts'
import { type Allowance, defaultRateLimits, type RateLimitSettings } from './settings.ts'

function allowance(fallback: Allowance) {
  return z
    .string()
    .regex(/^[1-9]\d{0,6}\/[1-9]\d{0,5}(s|m|h|d)$/)
    .transform((text): Allowance => {
      const [count = '', window = ''] = text.split('/')
      const unit = MS_PER_UNIT[window.slice(-1)] ?? Number.NaN
      return { count: Number(count), windowMs: Number.parseInt(window, 10) * unit }
    })
    .refine(({ windowMs }) => windowMs <= DAY_MS)
    .optional()
    .transform((given) => given ?? fallback)
    .describe('how many in how long, up to a day, like 100/15m')
}

/** What the environment may say of rate limits. */
export const rateLimitVariables = {
  RATE_LIMIT: z.enum(['on', 'off']).prefault('on').describe('on or off'),
  RATE_LIMIT_LOGIN: allowance(defaultRateLimits.login),
  RATE_LIMIT_REGISTER: allowance(defaultRateLimits.register),
  RATE_LIMIT_MAIL: allowance(defaultRateLimits.mail),
  RATE_LIMIT_CODE: allowance(defaultRateLimits.code),
  RATE_LIMIT_REFRESH: allowance(defaultRateLimits.refresh),
  RATE_LIMIT_CLIENT: allowance(defaultRateLimits.client),
  RATE_LIMIT_FREE_GUESSES: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .refine((count) => count >= 1 && count <= 100)
    .prefault(String(defaultRateLimits.freeGuesses))
    .describe('a number from 1 to 100'),
  RATE_LIMIT_MAX_GUESS_DELAY: duration(1000, DAY_MS)
    .prefault(`${defaultRateLimits.maxGuessDelayMs}ms`)
    .describe('a duration from 1s to 1d, like 10m'),
}

/** The limits that these values of the variables make; `null`: none. */
export function rateLimitsOf(values: z.output<z.ZodObject<typeof rateLimitVariables>>): RateLimitSettings | null {
  if (values.RATE_LIMIT === 'off') return null
  return {
    login: values.RATE_LIMIT_LOGIN,
    register: values.RATE_LIMIT_REGISTER,
    mail: values.RATE_LIMIT_MAIL,
    code: values.RATE_LIMIT_CODE,
    refresh: values.RATE_LIMIT_REFRESH,
    client: values.RATE_LIMIT_CLIENT,
    freeGuesses: values.RATE_LIMIT_FREE_GUESSES,
    maxGuessDelayMs: values.RATE_LIMIT_MAX_GUESS_DELAY,
  }
}
