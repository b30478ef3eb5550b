// One contender in a process of its own: `server.mjs <name> <options as JSON>`. Says where it listens, and when asked how
// much processor time it has taken.
const [name, options] = process.argv.slice(2)
const { frameworks } = await import('./frameworks.mjs')
const start = frameworks[name] ?? (await import('./peers.mjs')).peers[name]
const started = await start(JSON.parse(options))
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ cpuMicros: user + system, atMs: performance.now() })
})
process.on('disconnect', () => process.exit())
process.send(typeof started === 'number' ? { port: started } : started)
