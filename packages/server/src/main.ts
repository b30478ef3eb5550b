#!/usr/bin/env node
import { resolve } from 'node:path'
import { baseUrl, type Config, ConfigError, readConfig } from './config.ts'
import { withEnvFile } from './env-file.ts'
import { createService, type Service } from './service.ts'

// Orchestrators kill a process 10 s after they asked it to stop.
const DRAIN_MS = 8000

async function main(): Promise<void> {
  outliveReaders()
  // The database and the key are this user's alone, also where DATA_DIR was made with a wider mode.
  process.umask(0o077)
  const config = readConfig(withEnvFile(process.env, resolve('.env')))
  // The log goes to stderr, so that stdout holds only what is written for people.
  const service = await createService(config, process.stderr)
  await listen(service, config)
  stopOnSignal(service)
  greet(config, service)
}

/** Whoever reads the output may go away first, as a pager or a log collector does; the service has other work to do. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

async function listen(service: Service, config: Config): Promise<void> {
  try {
    await service.app.listen({ port: config.port, host: config.host })
  } catch (error) {
    await service.close(0)
    throw listenError(error, config)
  }
}

function listenError(error: unknown, { host, port }: Config): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigError(`PORT holds ${port}, which is in use on ${host}; it may hold a port that is free`)
    case 'EACCES':
      return new ConfigError(`PORT holds ${port}, which this user may not listen on; it may hold one from 1024 up`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConfigError(`HOST holds "${host}", which is not an address of this machine; it may hold one that is`)
    default:
      return error
  }
}

function stopOnSignal(service: Service): void {
  const stop = () => {
    // A second signal finds no handler and ends the process at once.
    service.close(DRAIN_MS).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

function greet(config: Config, service: Service): void {
  const address = service.app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : config.port
  const url = baseUrl(config.host, port)
  const body = '{"email":"you@example.com","password":"a long pass phrase of yours"}'
  console.log(`listening on ${url}`)
  console.log(`data in ${config.dataDir}`)
  console.log(`try: curl -s ${url}/auth/register -H 'content-type: application/json' -d '${body}'`)
}

try {
  await main()
} catch (error) {
  // One line for what the operator can mend; anything else is a fault, and its stack is what a report needs.
  console.error(error instanceof ConfigError ? `rescind: ${error.message}` : error)
  process.exit(1)
}
