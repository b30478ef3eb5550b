import { randomUUID } from 'node:crypto'
import { RescindError, systemClock } from 'rescind'
import { keysInDatabase } from '../open-signing-keys.ts'
import { createAccountAdministration } from '../services/account-administration.ts'
import { changesAcrossStores, changesInOneTransaction } from '../services/account-changes.ts'
import { parseEmailAddress } from '../services/email-address.ts'
import { isReason } from '../services/operators/audit-trail.ts'
import { createOperators } from '../services/operators/create-operators.ts'
import type { Act, ListPage, Operators } from '../services/operators/operators.ts'
import { createPasswords } from '../services/passwords.ts'
import { CommandFailure, UsageError } from './command.ts'
import { type Stores, withStores } from './stores.ts'
import type { Terminal } from './terminal.ts'

/** What an act at the command line is done with. */
export interface OperatorsAtHand extends Stores {
  readonly operators: Operators
  /** The act of whoever is logged in at the machine. Throws UsageError for a reason that cannot be kept. */
  act(reason: string | undefined): Act
}

/** Does what operators do, on the stores that the service's configuration names. The service may run meanwhile. */
export function withOperators<T>(terminal: Terminal, work: (at: OperatorsAtHand) => Promise<T>): Promise<T> {
  return withStores(terminal, async (stores) => {
    const { config, backends, auth } = stores
    const { database, store } = backends
    const changes = (backends.isOneDatabase ? changesInOneTransaction : changesAcrossStores)(auth, database)
    const parts = { database, clock: systemClock, newId: randomUUID }
    const operators = createOperators({
      auth,
      ...parts,
      administration: createAccountAdministration({ ...parts, changes }),
      passwords: createPasswords(),
      keys: keysInDatabase(config, database)?.keys ?? null,
      ledger: store.ledger,
    })
    return work({ ...stores, operators, act: (reason) => actOf(terminal, readReason(reason)) })
  })
}

/** An act of whoever is logged in at the machine. */
export function actOf({ user }: Terminal, reason: string | null): Act {
  return { actor: { kind: 'command_line', id: user, ip: null }, reason }
}

/** The reason of an act. Throws UsageError for one that cannot be kept. */
export function readReason(reason: string | undefined): string | null {
  if (reason === undefined) return null
  if (isReason(reason)) return reason
  throw new UsageError('--reason may have 1 to 500 characters, none of them a control character')
}

/** The id of the account that a word names, by its e-mail address or its id. */
export async function userIdOf({ users }: Operators, word: string): Promise<string> {
  const isAddress = parseEmailAddress(word) !== null
  // An account that was imported may have an address for its id.
  const lookups = isAddress ? [users.byAddress, users.get] : [users.get]
  for (const lookUp of lookups) {
    try {
      return (await lookUp(word)).id
    } catch (error) {
      if (!(error instanceof RescindError && error.code === 'not_found')) throw error
    }
  }
  throw new CommandFailure(`no account has this ${isAddress ? 'address' : 'id'}; see rescind user list`)
}

const MAX_PAGE = 200

/** All that a listing has, page by page. */
export async function* pagesOf<T>(
  list: (request: { cursor?: string | undefined; limit: number }) => Promise<ListPage<T>>,
): AsyncGenerator<readonly T[]> {
  let cursor: string | undefined
  do {
    const page = await list({ cursor, limit: MAX_PAGE })
    yield page.items
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

/** The first so many of a listing, and whether there are more. */
export async function firstOf<T>(
  pages: AsyncIterable<readonly T[]>,
  limit: number,
): Promise<{ readonly items: readonly T[]; readonly areMore: boolean }> {
  const items: T[] = []
  for await (const page of pages) {
    items.push(...page)
    if (items.length > limit) return { items: items.slice(0, limit), areMore: true }
  }
  return { items, areMore: false }
}
