import { configError } from '../../base/errors.ts'
import type { RedisCommands } from './commands.ts'
import { listOf, textOf } from './replies.ts'

/** What the store was told that bears on how the server must be set up. */
export interface InspectRules {
  readonly allowEviction: boolean
  readonly waitsForAof: boolean
  /** What the ledger is a copy of, in words; `null` where it is the one. */
  readonly copyOf: string | null
}

/** Looks at how the server is set up: answers what its operator should know, and rejects what may lose revocations. */
export async function inspectRedis(commands: RedisCommands, rules: InspectRules): Promise<readonly string[]> {
  const info = readInfo(textOf(await commands.ask(['INFO'])))
  checkVersion(info)
  const hasAof = info.get('aof_enabled') === '1'
  if (rules.waitsForAof) await checkWaitAof(commands, hasAof)
  return [...evictionWarnings(info, rules), ...(await persistenceWarnings(commands, hasAof, rules.copyOf))]
}

function checkVersion(info: ReadonlyMap<string, string>): void {
  const version = info.get('redis_version')
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  const isTooOld = major < 6 || (major === 6 && minor < 2)
  if (version !== undefined && isTooOld) throw configError(`Redis 6.2 or later is needed; this is ${version}`)
}

async function checkWaitAof(commands: RedisCommands, hasAof: boolean): Promise<void> {
  const [known] = listOf(await commands.ask(['COMMAND', 'INFO', 'WAITAOF']))
  if (!Array.isArray(known)) throw configError('waitAof needs WAITAOF: Redis 7.2 or later, or Valkey')
  if (!hasAof) throw configError('waitAof needs an append-only file: set `appendonly yes`')
}

function evictionWarnings(info: ReadonlyMap<string, string>, { allowEviction }: InspectRules): string[] {
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction') return []
  if (info.get('maxmemory') === '0') {
    return [`Redis has maxmemory-policy ${policy}: once a maxmemory is set, it drops revocations. Set noeviction.`]
  }
  if (!allowEviction) {
    throw configError(
      `Redis drops keys when its memory is full (maxmemory-policy ${policy}), revocations too: set noeviction, ` +
        'or pass allowEviction: true to accept that a dropped revocation no longer counts',
    )
  }
  return [`Redis drops revocations when its memory is full (maxmemory-policy ${policy}), and was allowed to.`]
}

async function persistenceWarnings(commands: RedisCommands, hasAof: boolean, copyOf: string | null): Promise<string[]> {
  // What a crash forgets of a copy is soon in it again. One that is empty after every restart is worth knowing of.
  if (copyOf !== null) return !hasAof && (await configOf(commands, 'save')) === '' ? [emptyAfterRestart(copyOf)] : []
  if (!hasAof) {
    const save = await configOf(commands, 'save')
    if (save === null)
      return ['Redis does not let its configuration be read: whether it persists could not be checked.']
    return save === ''
      ? [
          'Redis does not persist: a restart forgets every session, and the revocations until a replica records them again.',
        ]
      : ['Redis persists by snapshots only: a crash forgets what came after the last one. Set `appendonly yes`.']
  }
  switch (await configOf(commands, 'appendfsync')) {
    case 'always':
      return []
    case 'everysec':
      return ['Redis has appendfsync everysec: a power cut forgets up to one second of revocations.']
    case 'no':
      return ['Redis has appendfsync no: a power cut forgets revocations of up to half a minute.']
    default:
      return ['Redis does not let its configuration be read: whether it flushes every write could not be checked.']
  }
}

function emptyAfterRestart(original: string): string {
  return `Redis does not persist: a restart forgets this copy of the revocations, which is then written again from ${original}.`
}

/** A setting, or `null` where the server does not tell, as managed ones do. */
async function configOf(commands: RedisCommands, name: string): Promise<string | null> {
  let reply: unknown
  try {
    reply = await commands.ask(['CONFIG', 'GET', name])
  } catch (error) {
    if (error instanceof Error && /^(ERR|NOPERM)/.test(error.message)) return null
    throw error
  }
  // A list of name and value, or since RESP3 a map of them.
  const value = Array.isArray(reply) ? reply[1] : reply instanceof Map ? reply.get(name) : entryOf(reply, name)
  return value === undefined ? null : textOf(value)
}

function entryOf(reply: unknown, name: string): unknown {
  return typeof reply === 'object' && reply !== null ? new Map(Object.entries(reply)).get(name) : undefined
}

function readInfo(text: string): ReadonlyMap<string, string> {
  const entries = text.split('\r\n').map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1)]
  })
  return new Map(entries)
}
