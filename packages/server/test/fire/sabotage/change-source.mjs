// A hook of Node's module loader: one place of one file becomes another while it is loaded.

const CHANGES = {
  // No token is ever found to be revoked.
  'no-check': {
    file: '/revocation/check.js',
    from: 'const check = (token) => {',
    to: 'const check = (token) => { if (token) return null;',
  },
  // Memory counts as fresh, however old it is.
  'no-staleness': {
    file: '/revocation/replica.js',
    from: 'clock.monotonic() - provedAt <= maxStalenessMs',
    to: 'clock.monotonic() - provedAt <= Number.POSITIVE_INFINITY',
  },
  // Two who exchange one refresh token at once both find it unused.
  'no-lock': {
    file: '/stores/postgres/session-table.js',
    from: 'WHERE sid = ANY ($1::text[]) ORDER BY sid FOR UPDATE',
    to: 'WHERE sid = ANY ($1::text[]) ORDER BY sid',
  },
}

let change

export function initialize(name) {
  change = CHANGES[name]
  if (change === undefined) throw new Error(`nothing is known of the sabotage ${name}`)
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context)
  if (!url.endsWith(change.file)) return loaded
  const source = String(loaded.source)
  // A sabotage that misses would look like a run that noticed nothing.
  if (source.split(change.from).length !== 2) throw new Error(`${change.file} does not hold "${change.from}" once`)
  return { ...loaded, source: source.replace(change.from, change.to) }
}
