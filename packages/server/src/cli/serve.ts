import { join } from 'node:path'
import { baseUrl, type Config, ConfigError, readConfig } from '../config.ts'
import { withEnvFile } from '../env-file.ts'
import { createService, type Service } from '../service.ts'
import { type Command, defineCommand } from './command.ts'

// Orchestrators kill a process 10 s after they asked it to stop.
const DRAIN_MS = 8000
// Past this, whatever still waits for a database that does not answer is left behind.
const LAST_MS = 9500
const EXIT_CUT_SHORT = 1

/** `rescind serve`: the service itself, until it is told to stop. */
export const serve: Command = defineCommand({
  name: 'serve',
  summary: 'run the service (what rescind does without a word)',
  about: `
Runs the service until SIGTERM or SIGINT. Everything is configured by the environment and .env, as in
PORT=8080 DATA_DIR=/var/lib/rescind; the README has the table.`,
  options: {},
  examples: ['serve'],
  async run(_given, terminal) {
    const config = readConfig(withEnvFile(terminal.env, join(terminal.directory, '.env')))
    // The log goes to stderr, so that stdout holds only what is written for people.
    const service = await createService(config, process.stderr)
    const metricsPort = await listen(service, config)
    stopOnSignal(service)
    greet(config, service, metricsPort)
  },
})

/** Answers the port of the metrics, where they have one. */
async function listen(service: Service, config: Config): Promise<number | null> {
  const { metricsAddress } = config
  let metricsPort: number | null = null
  // First, so that a service that answers can also be looked at.
  if (service.metrics !== null && metricsAddress !== null) {
    metricsPort = await service.metrics.listen(metricsAddress).catch((error: unknown) => {
      return giveUp(service, listenError(error, 'METRICS_', metricsAddress))
    })
  }
  await service.app.listen({ port: config.port, host: config.host }).catch((error: unknown) => {
    return giveUp(service, listenError(error, '', config))
  })
  return metricsPort
}

async function giveUp(service: Service, error: unknown): Promise<never> {
  // What cannot be closed is in the log, and not why it does not start.
  await service.close(0).catch(() => {})
  throw error
}

function listenError(error: unknown, prefix: string, { host, port }: { host: string; port: number }): unknown {
  const [portName, hostName] = [`${prefix}PORT`, `${prefix}HOST`]
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigError(`${portName} holds ${port}, which is in use on ${host}; it may hold a port that is free`)
    case 'EACCES':
      return new ConfigError(
        `${portName} holds ${port}, which this user may not listen on; it may hold one from 1024 up`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConfigError(
        `${hostName} holds "${host}", which is not an address of this machine; it may hold one that is`,
      )
    default:
      return error
  }
}

function stopOnSignal(service: Service): void {
  let stops = false
  const stop = () => {
    // By hand: the first process of a container does not end of a signal that it has no handler for.
    if (stops) process.exit(EXIT_CUT_SHORT)
    stops = true
    setTimeout(() => process.exit(EXIT_CUT_SHORT), LAST_MS).unref()
    service.close(DRAIN_MS).then(
      () => process.exit(0),
      () => process.exit(EXIT_CUT_SHORT),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function greet(config: Config, service: Service, metricsPort: number | null): void {
  const address = service.app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : config.port
  const url = baseUrl(config.host, port)
  const body = '{"email":"you@example.com","password":"a long pass phrase of yours"}'
  console.log(`listening on ${url}`)
  console.log(`data in ${config.dataDir}`)
  if (metricsPort !== null && config.metricsAddress !== null) {
    console.log(`metrics on ${baseUrl(config.metricsAddress.host, metricsPort)}/metrics`)
  }
  console.log(`try: curl -s ${url}/auth/register -H 'content-type: application/json' -d '${body}'`)
}
