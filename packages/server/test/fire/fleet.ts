import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTcpProxy, eventually, type TcpProxy } from 'rescind/testing'
import { startPostgres } from '../../../../tools/servers/postgres.mjs'
import { startRedis } from '../../../../tools/servers/redis.mjs'
import { build, runCommand, type ServiceProcess, startService } from '../support/process.ts'
import { createDatabase } from '../support/servers.ts'
import { type Reader, startReader } from './reader.ts'
import { createVanishingWay, type VanishingWay } from './vanishing-way.ts'

/** The names of the instances. */
const NODES = ['a', 'b', 'c'] as const

const START_MS = 30_000

/** One instance of the service, a process of its own, with a network of its own to the database. */
export interface FleetNode {
  readonly name: string
  /** Where it listens; another port after each start. */
  url: string
  /** False while a balancer would leave it out. */
  isUp: boolean
  /** Where it writes its mails. */
  readonly outbox: string
  readonly network: TcpProxy
  /** The part of the network that can forget the node without a word to the database. */
  readonly way: VanishingWay
  readonly process: () => ServiceProcess
  /** Starts it and waits until it is ready. */
  start(): Promise<void>
}

/** Three instances on one PostgreSQL and one Redis. */
export interface Fleet {
  readonly nodes: readonly FleetNode[]
  readonly postgres: Awaited<ReturnType<typeof startPostgres>>
  readonly redis: Awaited<ReturnType<typeof startRedis>>
  /** Checks tokens by the copy of the revocations in Redis. */
  readonly reader: Reader
  /** The HTTP Basic credentials of an operator. */
  readonly operator: string
  close(): Promise<void>
}

/** A build that is broken on purpose: which fault, and on which of the nodes. */
export interface Sabotage {
  readonly name: string
  readonly nodes: readonly string[]
}

/** Starts everything. */
export async function startFleet(options: { maxStaleness: string; sabotage: Sabotage | null }): Promise<Fleet> {
  await build()
  const folder = mkdtempSync(join(tmpdir(), 'rescind-fire-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const end of ends.reverse()) await end()
  }
  try {
    const postgres = await startPostgres({ settings: { max_connections: '200' } })
    ends.push(() => postgres.dispose())
    const redis = await startRedis()
    ends.push(() => redis.dispose())
    const databaseUrl = await createDatabase(postgres.url)
    const settings = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redis.url,
      ISSUER: 'https://id.example.test',
      KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64url'),
      ACCESS_TOKEN_TTL: '1m',
      REVOCATION_MAX_STALENESS: options.maxStaleness,
      SESSIONS_PER_USER: '1000',
      LOG_LEVEL: 'error',
    }
    const words = ['client', 'create', '--name', 'fire', '--scope', 'admin', '--json']
    const made = await runCommand(words, settings, folder)
    const { client_id, client_secret } = JSON.parse(made.stdout) as { client_id: string; client_secret: string }
    // All at once: whoever is first makes the tables.
    const nodes = await Promise.all(
      NODES.map(async (name) => {
        const isBroken = options.sabotage?.nodes.includes(name) === true
        const broken = isBroken && options.sabotage !== null ? sabotaged(options.sabotage.name) : {}
        const node = await createNode(name, folder, { ...settings, ...broken })
        ends.push(
          () => node.way.close(),
          () => node.network.close(),
          () => node.process().stop('SIGKILL'),
        )
        return node
      }),
    )
    const reader = await startReader({ redisUrl: redis.url, serviceUrl: nodes[0]?.url ?? '', issuer: settings.ISSUER })
    ends.push(() => reader.close())
    const operator = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`
    return { nodes, postgres, redis, reader, operator, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function createNode(name: string, folder: string, settings: Record<string, string>): Promise<FleetNode> {
  const home = join(folder, name)
  mkdirSync(home)
  const database = new URL(settings.DATABASE_URL ?? '')
  const way = await createVanishingWay(Number(database.port))
  const network = await createTcpProxy({ port: way.port })
  database.port = String(network.port)
  let running: ServiceProcess | undefined
  const node: FleetNode = {
    name,
    url: '',
    isUp: false,
    outbox: join(home, 'data', 'outbox'),
    network,
    way,
    process: () => {
      if (running === undefined) throw new Error(`the node ${name} was not started`)
      return running
    },
    async start() {
      running = await startService({ ...settings, DATABASE_URL: database.href, DATA_DIR: join(home, 'data') }, home)
      node.url = running.url
      await eventually(async () => (await fetch(`${node.url}/health/ready`)).status === 200, START_MS)
      node.isUp = true
    },
  }
  await node.start()
  return node
}

/** Makes Node change a source file while it loads it. */
function sabotaged(name: string): Record<string, string> {
  const register = new URL('./sabotage/register.mjs', import.meta.url)
  return { NODE_OPTIONS: `--import ${register.href}`, FIRE_SABOTAGE: name }
}
