// Loaded into the service by `--import`: answers each message of the bench with the longest time, in milliseconds, that
// the event loop did nothing else since the message before. The service itself knows nothing of it.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
process.on('message', () => {
  // None was late at all where nothing was seen.
  const worst = Math.max(0, delay.max / 1e6 - RESOLUTION_MS)
  delay.reset()
  process.send(worst)
})
// The channel must not keep the process alive.
process.channel.unref()
