import { onConnections, requestText } from './connections.mjs'

export const PASSWORD = 'an orchard under the northern sky'

/** Asks once, and answers `{ status, head, body }`. */
export async function ask(url, ...request) {
  let answer
  await onConnections(url, 1, {
    next: () => (answer === undefined ? requestText(...request) : null),
    heard(_, heard) {
      answer = heard
    },
  })
  return answer
}

/** Registers somebody; answers what the service does: tokens and user. */
export async function register(url, email) {
  const { status, body } = await ask(url, 'POST', '/auth/register', { body: { email, password: PASSWORD } })
  if (status !== 201) throw new Error(`the service answered ${status}: ${body}`)
  return JSON.parse(body)
}
