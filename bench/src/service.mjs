import { compareSessions } from './service/compare-sessions.mjs'
import { measureLoginStorm } from './service/login-storm.mjs'
import { measureStalls } from './service/stalls.mjs'
import { measureStart } from './service/start.mjs'

/** The service under load, beside one that commits once per request. */
export const service = {
  about:
    'refreshes and logouts beside a commit for each; guarded requests in a storm of logins; hostile requests; the start',
  async run({ quick, report }) {
    const stores = quick ? ['SQLite'] : ['SQLite', 'PostgreSQL']
    for (const store of stores) await compareSessions(store, { quick, report })
    if (quick) return
    await measureLoginStorm(report)
    await measureStalls(report)
    for (const store of stores) await measureStart(store, report)
  },
}
