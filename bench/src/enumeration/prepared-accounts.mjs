import { register } from '../service/accounts.mjs'
import { startService } from '../service/processes.mjs'

let strangers = 0

/** Registers people in a folder; answers two groups of their addresses, and how to make up an unknown one. */
export async function prepareAccounts(folder, count) {
  const service = await startService(folder)
  const known = Array.from({ length: count }, (_, index) => `person-${String(index).padStart(6, '0')}@example.test`)
  for (const email of known) await register(service.url, email)
  await service.stop()
  const half = count / 2
  return {
    known: [known.slice(0, half), known.slice(half)],
    // As long as the others.
    unknown() {
      strangers += 1
      return `nobody-${String(strangers).padStart(6, '0')}@example.test`
    },
  }
}
