import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary as commonDictionary } from '@zxcvbn-ts/language-common'
import { dictionary as englishDictionary, translations } from '@zxcvbn-ts/language-en'

const MIN_SCORE = 3

const estimator = new ZxcvbnFactory({
  dictionary: { ...commonDictionary, ...englishDictionary },
  graphs: adjacencyGraphs,
  translations,
  maxLength: 128,
  // The default of 100 lets one long password hold the thread for a second; at 10 it is tens of milliseconds.
  l33tMaxSubstitutions: 10,
})

/** Why a password is too easy to guess, as a sentence or two for its owner; `null` for one that is strong enough. */
export function passwordWeakness(password: string, contextWords: readonly string[]): string | null {
  const { score, feedback } = estimator.check(password, [...contextWords])
  if (score >= MIN_SCORE) return null
  const reason = feedback.warning ?? 'This password is easy to guess.'
  const suggestion = feedback.suggestions[0] ?? 'Add more words that are less common.'
  return `${reason} ${suggestion}`
}
