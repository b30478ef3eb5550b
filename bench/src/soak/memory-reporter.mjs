// Loaded into the service by `--import`: answers each message of the bench with the memory that is in use once what can
// go has gone. The service itself knows nothing of it.
process.on('message', () => {
  globalThis.gc()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  process.send({ rss, heapUsed, external, arrayBuffers })
})
// The channel must not keep the process alive.
process.channel.unref()
