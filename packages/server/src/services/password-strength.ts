import { RescindError } from 'rescind'
import type { EmailAddress } from './email-address.ts'
import { estimateStrength, MAX_ESTIMATED_LENGTH } from './strength-estimator.ts'

// The estimator's third of four steps, and what eight characters of pure chance come to: it puts those a hair below.
const MIN_GUESSES = 1e8
// ASVS 6.1.2: what anybody would try first for an account here.
const PRODUCT = 'rescind'
const MIN_CONTEXT_WORD = 3
const MAX_CONTEXT_WORDS = 12

/**
 * Why a password is too easy to guess, as a sentence or two for its owner; `null` for one that is strong enough. A long
 * one is as strong as its beginning or its end, whichever is stronger: both have to be guessed.
 */
export async function passwordWeakness(password: string, email: EmailAddress): Promise<string | null> {
  if (email.key.includes(password.toLowerCase())) {
    return 'This is your e-mail address, or a part of it. Choose words that nobody would connect with you.'
  }
  const contextWords = contextOf(email)
  const estimate = (part: string) => estimateStrength({ password: part, contextWords })
  const { guesses, warning, suggestion } = await estimate(password.slice(0, MAX_ESTIMATED_LENGTH))
  if (guesses >= MIN_GUESSES) return null
  if (password.length > MAX_ESTIMATED_LENGTH) {
    const end = await estimate(password.slice(-MAX_ESTIMATED_LENGTH))
    if (end.guesses >= MIN_GUESSES) return null
  }
  return `${warning ?? 'This password is easy to guess.'} ${suggestion ?? 'Add more words that are less common.'}`
}

/** What others could connect with the account. An address of nothing but dots has a hundred parts; a few will do. */
function contextOf({ address, key }: EmailAddress): string[] {
  const words = [PRODUCT, address, ...key.split('@'), ...key.split(/[@.]/)]
  return [...new Set(words)].filter((word) => word.length >= MIN_CONTEXT_WORD).slice(0, MAX_CONTEXT_WORDS)
}

/** Rejects a password that is too easy to guess, with `password_too_weak`. */
export async function refuseWeakPassword(password: string, email: EmailAddress): Promise<void> {
  const weakness = await passwordWeakness(password, email)
  if (weakness !== null) throw new RescindError('password_too_weak', weakness)
}
