import { apart } from './apart.mjs'

/** The index of live revocations: time, memory and pauses, beside a Set of strings that holds the same ids. */
export const lookup = {
  about: 'the index of live revocations, beside a Set of strings',

  run({ quick, report }) {
    const module = new URL('./lookup/suite.mjs', import.meta.url).href
    return apart(module, 'measureLookups', { quick }, { report, execArgv: ['--expose-gc'] })
  },
}
