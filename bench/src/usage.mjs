export const usage = `npm run bench [-- SUITE... --quick --strict --markdown]

  verify    checking and minting tokens, beside fast-jwt, jose and bare node:crypto
  lookup    the index of live revocations: time, memory, pauses
  ledger    acknowledged revocations, propagation and replay, on each store
  faults    a store that is parted, healed or emptied
  http      guarded routes over HTTP, beside other libraries
  service   the service as a whole
  soak      the service under load for ten minutes: runs only when it is named
  enumeration  whether times tell which addresses are known, in five minutes: runs only when it is named

Without a name, all but soak and enumeration run. Results and charts are written to bench/results.

  --quick     few short rounds of each, in a minute; writes nothing, fails on gross regressions only
  --strict    a missed figure makes the run fail
  --markdown  runs nothing: prints what bench/results holds, as docs/performance.md shows it
  --help      this text
`
