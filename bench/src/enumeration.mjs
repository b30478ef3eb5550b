import { compareAddresses } from './enumeration/compare-addresses.mjs'
import { prepareAccounts } from './enumeration/prepared-accounts.mjs'
import { requestText } from './service/connections.mjs'
import { startService, temporaryFolder } from './service/processes.mjs'

const WRONG_PASSWORD = 'not the pass phrase of anybody here'
const GOOD_PASSWORD = 'seven quiet harbours and a plum'

/** Whether the time of an answer tells if an address is known: at the login, for a forgotten password, at a registration. */
export const enumeration = {
  about: 'answers about known and unknown addresses, beside answers about known ones only',
  async run({ quick, report }) {
    const rounds = quick ? 60 : 1_000
    const { path, dispose } = temporaryFolder()
    const accounts = await prepareAccounts(path, quick ? 30 : 500)
    const service = await startService(path, { REGISTRATION: 'verify' })
    const post = (route, body) => (email) => requestText('POST', route, { body: body(email) })
    const questions = {
      login: post('/auth/login', (email) => ({ email, password: WRONG_PASSWORD })),
      'forgotten password': post('/auth/password/forgot', (email) => ({ email })),
      'registration with confirmation': post('/auth/register', (email) => ({ email, password: GOOD_PASSWORD })),
    }
    for (const [subject, question] of Object.entries(questions)) {
      await compareAddresses(service.url, { subject, question, accounts, rounds, report })
    }
    await service.stop()
    dispose()
  },
}
