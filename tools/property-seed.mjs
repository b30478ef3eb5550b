// Property tests draw other values at every run, but where FAST_CHECK_SEED names a seed: continuous integration says no to a
// commit for what that commit did, and what a failure printed can be run again.
const { FAST_CHECK_SEED } = process.env
if (FAST_CHECK_SEED !== undefined) {
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed: Number(FAST_CHECK_SEED) })
}
