import { apart } from './apart.mjs'
import { withRevocations } from './verify/revocations.mjs'

/** Checking one request's token, revocation included, beside libraries that check none. */
export const verify = {
  about: 'checking and minting tokens, beside fast-jwt, jose and bare node:crypto; median ns of one token',

  async run({ quick, report }) {
    const run = (file, name, options, execArgv) =>
      apart(new URL(`./verify/${file}.mjs`, import.meta.url).href, name, { quick, ...options }, { report, execArgv })
    await withRevocations(quick ? 20_000 : 1_000_000, async (place) => {
      for (const alg of quick ? ['HS256', 'EdDSA'] : ['HS256', 'EdDSA', 'ES256', 'RS256']) {
        await run('checks', 'measureChecks', { alg, place })
      }
    })
    await run('minting', 'measureMinting')
    await run('attack', 'measureAttack')
    await run('memory', 'measureMemory', {}, ['--expose-gc'])
  },
}
