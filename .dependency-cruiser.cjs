// Who may import whom. AGENTS.md says the same in words; tools/check-import-rules.mjs proves that each rule bites.

const rescind = '^packages/rescind/src/'
const ports = ['revocation/ledger\\.ts$', 'revocation/revocation\\.ts$', 'session/sessions\\.ts$']

/** What also runs where there is no Node. */
const everywhere = [
  '(index|wire)\\.ts$',
  '(base|crypto|tokens|revocation|web|session)/',
  'adapters/(hono|shared/(admission|slot))\\.ts$',
  'stores/(memory|http|shared)(\\.ts$|/)',
]

/** One part of the library and all it may import from the library. A file may always import from its own part. */
const layer = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: `${rescind}${from}` },
  to: { path: rescind, pathNot: allowed.map((path) => `${rescind}${path}`) },
})

module.exports = {
  forbidden: [
    {
      name: 'wire-imports-nothing',
      severity: 'error',
      comment: 'wire.ts is shared with the browser client: it has no imports at all.',
      from: { path: `${rescind}wire\\.ts$` },
      to: {},
    },
    layer(
      'crypto-is-lowest',
      'crypto/',
      ['crypto/', 'base/errors\\.ts$'],
      'What differs by runtime knows nothing of tokens: others use it by the name #crypto.',
    ),
    layer('base-on-crypto', 'base/', ['base/', 'crypto/', 'wire\\.ts$'], 'base knows only wire and crypto.'),
    layer(
      'tokens-on-base',
      'tokens/',
      ['tokens/', 'base/', 'crypto/', 'wire\\.ts$'],
      'tokens, revocation and web are siblings.',
    ),
    layer('revocation-on-base', 'revocation/', ['revocation/', 'base/', 'wire\\.ts$'], 'See tokens-on-base.'),
    layer('web-on-base', 'web/', ['web/', 'base/', 'crypto/', 'wire\\.ts$'], 'See tokens-on-base.'),
    layer(
      'session-composes',
      'session/',
      ['session/', 'tokens/', 'revocation/', 'web/', 'base/', 'crypto/', 'wire\\.ts$'],
      'session composes tokens, revocation and web; it knows no adapter, no store and not the public surface.',
    ),
    layer(
      'ports-know-ports',
      `(${ports.join('|')})`,
      [...ports, 'base/', 'wire\\.ts$'],
      'A port must stay implementable without the code above it.',
    ),
    layer(
      'adapters-on-session',
      'adapters/([^/.]+)',
      ['adapters/($1|shared)(\\.ts$|/)', 'session/', 'tokens/', 'revocation/', 'web/', 'base/', 'wire\\.ts$'],
      'An adapter translates for one framework: it imports no store and no other adapter.',
    ),
    layer(
      'compat-on-session',
      'compat/',
      ['compat/', 'session/', 'tokens/', 'revocation/', 'web/', 'base/', 'wire\\.ts$'],
      'compat maps the options of other libraries onto session.',
    ),
    layer(
      'stores-on-ports',
      'stores/([^/.]+)',
      ['stores/($1|shared)(\\.ts$|/)', ...ports, 'base/', 'crypto/'],
      'A store implements the ports; what is hard and the same for all stores sits above them.',
    ),
    layer(
      'testing-on-ports',
      'testing/(?!adapter)',
      ['testing/', ...ports, 'base/'],
      'The conformance suites test the contract, so they see nothing else.',
    ),
    layer(
      'adapter-testing-on-session',
      'testing/adapter',
      ['testing/', 'stores/memory\\.ts$', 'session/', 'tokens/', 'revocation/', 'web/', 'base/', 'wire\\.ts$'],
      'What an adapter translates for is the library itself, over the store that needs no server.',
    ),
    layer(
      'index-is-core',
      'index\\.ts$',
      ['base/', 'tokens/', 'revocation/', 'web/', 'session/', 'wire\\.ts$'],
      'Adapters, stores and testing have entries of their own.',
    ),
    {
      name: 'core-without-node',
      severity: 'error',
      comment: 'The core also runs on Workers and in browsers: what differs by runtime, it has by #crypto.',
      from: { path: `${rescind}(${everywhere.join('|')})`, pathNot: `${rescind}crypto/node(-hmac)?\\.ts$` },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'library-has-no-dependencies',
      severity: 'error',
      comment: 'At run time the library needs node: modules and nothing else.',
      from: { path: rescind },
      to: { pathNot: rescind, dependencyTypesNot: ['core', 'type-only'] },
    },
    {
      name: 'library-types-from-peers',
      severity: 'error',
      comment: 'Types that reach users come from an optional peer that they have installed.',
      from: { path: rescind },
      to: { pathNot: rescind, dependencyTypes: ['type-only'], dependencyTypesNot: ['core', 'npm-peer'] },
    },
    {
      name: 'server-by-public-entries',
      severity: 'error',
      comment: "The service imports 'rescind' and 'rescind/*' as any user would, never a path into the library.",
      from: { path: '^packages/server/src/' },
      to: { path: '^packages/rescind/', dependencyTypes: ['local'] },
    },
    {
      name: 'server-without-testing',
      severity: 'error',
      comment: 'Test helpers do not ship in the service.',
      from: { path: '^packages/server/src/' },
      to: { path: `${rescind}testing/` },
    },
    {
      name: 'source-stays-in-source',
      severity: 'error',
      comment: 'What ships imports no tests, no built files, no tools.',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '^(packages/[^/]+/(test|test-d|dist)|tools|bench|examples)/' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A cycle has no bottom to start reading from. Types count.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'A module that imports nothing and that nothing imports is dead.',
      from: { orphan: true, pathNot: '\\.d\\.ts$' },
      to: {},
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'An import must lead somewhere; a subpath that `exports` does not name leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^packages/[^/]+/(test|test-d|dist)/', '^(tools|bench|examples)/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      // `source` leads to the TypeScript sources, so the rules can be checked before a build.
      conditionNames: ['source', 'types', 'node', 'import', 'default'],
      mainFields: ['main', 'types'],
    },
  },
}
