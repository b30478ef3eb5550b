/** Takes from a list in turn, and begins again at its end. */
export function inTurn(values) {
  let at = -1
  return () => {
    at = at + 1 === values.length ? 0 : at + 1
    return values[at]
  }
}

/** The `Authorization` header of a request: a new string each time, as it is when it comes over the network. */
export function headerOf(token) {
  return `Bearer ${token}`
}

/** What the libraries that take a bare token get out of a header. */
export function tokenIn(header) {
  return header.slice(7)
}

/** The request that carries a header, as an adapter shows it to a guard. */
export function requestWith(header) {
  return { method: 'GET', header: (name) => (name === 'authorization' ? header : undefined) }
}

/** Answers the principal, or throws. */
export function principalOf(auth, header) {
  const decision = auth.check(requestWith(header))
  if (!decision.ok) throw decision.error
  return decision.principal
}
