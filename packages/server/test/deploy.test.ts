import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type NginxServer, startNginx } from '../../../tools/servers/nginx.mjs'
import { freePort } from '../../../tools/servers/shared.mjs'
import manifest from '../package.json' with { type: 'json' }
import { readConfig, variableNames } from '../src/config.ts'
import { bearer, PASSWORD, type RunningApp, startApp } from './support/start-app.ts'

/** What is looked at of a service in compose.yaml. */
interface Container {
  readonly user?: string
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stop_grace_period?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly networks: { readonly outside?: { readonly ipv4_address: string } }
}

const folder = join(import.meta.dirname, '../../../deploy')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

const compose = read('compose.yaml')
const { services } = parse(compose, { merge: true }) as { services: Record<string, Container> }
const instances = Object.entries(services).filter(([name]) => name.startsWith('rescind-'))
const addressOf = (name: string) => services[name]?.networks.outside?.ipv4_address
const unit = read('rescind.service')
const dockerfile = read('Dockerfile')
const nginxConf = read('nginx.conf')
/** The values of a setting of the unit, in their order. */
const inUnit = (name: string) =>
  [...unit.matchAll(/^([A-Za-z]+)=(.*)$/gm)].filter(([, key]) => key === name).map(([, , value]) => value ?? '')
const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name ?? '')

// What the service does not read, but Node does.
const known = [...variableNames, 'NODE_ENV']
const main = join('packages/server', manifest.bin.rescind)
const SAMPLES: Record<string, string> = {
  ISSUER: 'https://id.example.test',
  PUBLIC_URL: 'https://app.example.test',
  POSTGRES_PASSWORD: '0123456789abcdef',
  REDIS_PASSWORD: 'fedcba9876543210',
  KEY_ENCRYPTION_KEY: 'A'.repeat(43),
  SMTP_URL: 'smtp://user:password@mail.example.test:587',
}

describe('compose.yaml', () => {
  it('gives three instances settings that the service knows and can start with', () => {
    expect(instances).toHaveLength(3)
    for (const [, { environment = {} }] of instances) {
      expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([])
      const given = Object.entries(environment).map(([name, text]) => {
        const filled = text.replaceAll(/\$\{(\w+):[?-]\}/g, (_, variable: string) => SAMPLES[variable] ?? '')
        return [name, filled] as const
      })
      const config = readConfig(Object.fromEntries(given))
      expect(config.trustProxy).toEqual([addressOf('nginx')])
      expect(config.databaseUrl).toBe('postgres://rescind:0123456789abcdef@postgres:5432/rescind')
      expect(config.redisUrl).toBe('redis://:fedcba9876543210@valkey:6379/0')
    }
  })

  it('asks for what example.env lists, and holds no secret itself', () => {
    const asked = new Set(namesIn(compose, /(?<!\$)\$\{(\w+)/g))
    const listed = namesIn(read('example.env'), /^(\w+)=/gm).filter((name) => name !== 'COMPOSE_PROJECT_NAME')
    expect([...asked].sort()).toEqual(listed.sort())
    for (const [, name, value] of read('example.env').matchAll(/^(\w*(?:PASSWORD|KEY)\w*)=(.*)$/gm)) {
      expect([name, value]).toEqual([name, ''])
    }
    // What is filled in beside the files stays there: neither git nor the image takes it.
    const root = join(folder, '..')
    const ignored = (list: string) => readFileSync(join(root, list), 'utf8').split('\n')
    const [tls = ''] = namesIn(read('example.env'), /^TLS_DIRECTORY=\.\/(\w+)$/gm)
    expect(ignored('.gitignore')).toEqual(expect.arrayContaining(['.env', `deploy/${tls}/`]))
    expect(ignored('.dockerignore')).toContain('deploy')
  })

  it('runs nothing as root, and leaves no container a right that it can do without', () => {
    for (const [name, { user, cap_drop, security_opt, volumes = [] }] of Object.entries(services)) {
      expect({ name, user }).toEqual({ name, user: expect.stringMatching(/^(?!root$|0$)\w+$/) })
      expect({ name, cap_drop, security_opt }).toEqual({
        name,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
      expect(volumes.join()).not.toContain('docker.sock')
    }
  })

  it('lets the instances drain, and nginx find them', () => {
    for (const [, { stop_grace_period }] of instances)
      expect(Number.parseInt(stop_grace_period ?? '', 10)).toBeGreaterThan(10)
    const upstream = namesIn(nginxConf, /server ([\d.]+):3000 /g)
    expect(upstream).toEqual(instances.map(([name]) => addressOf(name)))
  })
})

describe('rescind.service', () => {
  it('gives the service settings that it knows, time to drain, and a directory of its own', () => {
    const settings = Object.fromEntries(inUnit('Environment').map((pair) => pair.split('=') as [string, string]))
    expect(Object.keys(settings).filter((name) => !known.includes(name))).toEqual([])
    expect(settings.DATA_DIR).toBe(`%S/${inUnit('StateDirectory')[0]}`)
    expect(Number(inUnit('TimeoutStopSec')[0])).toBeGreaterThan(10)
    expect(inUnit('ExecStart')).toEqual([`/usr/bin/node /opt/rescind/${main} serve`])
  })

  it('gives it no rights', () => {
    const yes = ['DynamicUser', 'NoNewPrivileges', 'ProtectHome', 'PrivateTmp', 'PrivateDevices', 'RestrictSUIDSGID']
    for (const name of yes) expect([name, inUnit(name)]).toEqual([name, ['yes']])
    expect(inUnit('ProtectSystem')).toEqual(['strict'])
    expect(inUnit('CapabilityBoundingSet')).toEqual([''])
    expect(inUnit('User').filter((user) => user === 'root')).toEqual([])
  })
})

describe('Dockerfile', () => {
  it('ends as a user who is not root, with settings that the service knows', () => {
    expect(namesIn(dockerfile, /^USER (\S+)$/gm).at(-1)).toBe('node')
    const [settings = ''] = namesIn(dockerfile, /^ENV (.+)$/gm)
    expect(namesIn(settings, /(\w+)=/g).filter((name) => !known.includes(name))).toEqual([])
    expect(JSON.parse(namesIn(dockerfile, /^ENTRYPOINT (.+)$/gm)[0] ?? '')).toEqual(['node', main])
  })

  it('looks after the health of a service without a tool of its own', async () => {
    const [program = '', ...words] = JSON.parse(/HEALTHCHECK[^\n]+\n +CMD (.+)/.exec(dockerfile)?.[1] ?? '') as string[]
    expect(program).toBe('node')
    const health = async (port: number) => {
      const env = { ...process.env, PORT: String(port) }
      const [code] = await once(spawn(process.execPath, words, { env, stdio: 'ignore' }), 'exit')
      return code as number
    }
    expect(await Promise.all([health(app.port), health(await freePort())])).toEqual([0, 1])
  })
})

let app: RunningApp
let nginx: NginxServer
let redirectPort: number
beforeAll(async () => {
  app = await startApp({ settings: { TRUST_PROXY: '127.0.0.1' } })
  redirectPort = await freePort()
  nginx = await startNginx(await confForOneInstance())
}, 60_000)
afterAll(async () => {
  await nginx?.stop()
  await app?.close()
})

/** The configuration as it is, with one instance that is there and two that are gone, and without its certificate. */
async function confForOneInstance(): Promise<string> {
  const changes: [RegExp, string][] = [
    [/10\.89\.37\.11:3000/, `127.0.0.1:${await freePort()}`],
    [/10\.89\.37\.12:3000/, `127.0.0.1:${app.port}`],
    [/10\.89\.37\.13:3000/, `127.0.0.1:${await freePort()}`],
    [/listen 8080;/, `listen 127.0.0.1:${redirectPort};`],
    [/listen 8443 ssl;/, 'listen LISTEN;'],
    [/ssl_certificate\w* .+;\n +ssl_certificate_key .+;\n/, '\n'],
  ]
  return changes.reduce((text, [from, to]) => {
    expect(text.match(from)).not.toBeNull()
    return text.replace(from, to)
  }, nginxConf)
}

describe('nginx.conf', () => {
  it('passes requests on to the instance that is there, and says who makes them', async () => {
    const spoofed = {
      'x-forwarded-for': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
      'content-type': 'application/json',
    }
    const { user } = await app.register()
    const body = JSON.stringify({ email: user.email, password: PASSWORD })
    // From an address that is not nginx's own.
    const login = async () => {
      const asked = request(`${nginx.url}/auth/login`, { method: 'POST', headers: spoofed, localAddress: '127.0.0.2' })
      const [answer] = (await once(asked.end(body), 'response')) as [IncomingMessage]
      return { status: answer.statusCode, ...((await json(answer)) as { access_token: string }) }
    }
    const logins = await Promise.all(Array.from({ length: 6 }, login))
    expect(logins.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    const [{ access_token } = { access_token: '' }] = logins
    const answer = await fetch(`${nginx.url}/auth/sessions`, { headers: { ...bearer(access_token), ...spoofed } })
    const { sessions } = (await answer.json()) as { sessions: { ip: string }[] }
    expect(new Set(sessions.map(({ ip }) => ip))).toEqual(new Set(['127.0.0.1', '127.0.0.2']))
  })

  it('leads to HTTPS by its own name, and shows nobody the metrics', async () => {
    const plain = await fetch(`http://127.0.0.1:${redirectPort}/auth/login?x=1`, { redirect: 'manual' })
    expect([plain.status, plain.headers.get('location')]).toEqual([308, 'https://id.example.com/auth/login?x=1'])
    expect((await fetch(`${nginx.url}/metrics`)).headers.get('content-type')).toMatch(/^text\/html/)
    expect((await fetch(`${nginx.url}/health/live`)).status).toBe(200)
  })
})
