import type { ReplicaState, Revocation, RevocationKind, SessionRecord } from 'rescind'
import type { AuditEntry } from '../../repositories/audit.ts'
import type { UserRecord } from '../../repositories/users.ts'
import type { ImportedAccount } from '../account-administration.ts'
import type { KeyDescription } from '../keys.ts'

/** Who acts on what is not their own: an administrator, a client with the scope `admin`, or the command line. */
export interface Actor {
  readonly kind: 'user' | 'client' | 'command_line'
  /** The id of the user or the client; at the command line, the name of the machine's user. */
  readonly id: string
  /** `null` at the command line. */
  readonly ip: string | null
}

/** One act: by whom, and why. A reason has 1 to 500 characters, none of them a control character. */
export interface Act {
  readonly actor: Actor
  readonly reason: string | null
}

/** A part of a listing; `nextCursor` is `null` on the last page. */
export interface ListPage<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/** Which part of a listing is wanted. A cursor is one that a page before named; others reject with `invalid_request`. */
export interface ListRequest {
  readonly cursor?: string | undefined
  /** @default 50, at most 200 */
  readonly limit?: number | undefined
}

/** What to revoke. `everything` takes no id. */
export interface RevocationWish {
  readonly kind: RevocationKind
  readonly id?: string | undefined
}

/** A wish that is to be carried out. */
export interface RevocationOrder extends RevocationWish {
  /** Refuses with `forbidden` where more live sessions than these would end: what a preview told may have grown. */
  readonly maxSessions?: number | undefined
}

/** How the service stands. */
export interface OperatorStats {
  readonly users: { readonly all: number; readonly disabled: number }
  readonly liveSessions: number
  readonly liveRevocations: {
    readonly all: number
    /** `null` where there are too many to be counted for a request. */
    readonly byKind: Readonly<Record<RevocationKind, number>> | null
  }
  /** Of the process that is asked. */
  readonly replica: { readonly state: ReplicaState; readonly lagMs: number }
}

/**
 * What operators do. Each act is in the audit log before it happens, and does not happen where that log cannot be
 * written; an act that fails is followed by an entry that says so. Rejects with `not_found` for what does not exist, and
 * with `invalid_request` for what cannot be.
 */
export interface Operators {
  readonly users: {
    /** In the order of registration, newest first; `query` is a part of an e-mail address, or an id. */
    list(request: ListRequest & { readonly query?: string | undefined }): Promise<ListPage<UserRecord>>
    get(id: string): Promise<UserRecord>
    /** The account with exactly this address, however it is spelled. */
    byAddress(address: string): Promise<UserRecord>
    /** By the rules of registration: rejects with `invalid_request`, `password_too_weak` or `email_taken`. */
    create(
      act: Act,
      user: { readonly email: string; readonly password: string; readonly admin: boolean },
    ): Promise<UserRecord>
    /** Rejects with `forbidden` for the last administrator who is not disabled. */
    disable(act: Act, id: string): Promise<void>
    enable(act: Act, id: string): Promise<void>
    /** Of an id that another address has already, rejects with `invalid_request`. */
    import(act: Act, account: ImportedAccount): Promise<'imported' | 'email_taken'>
  }
  readonly sessions: {
    list(sub: string, request: ListRequest): Promise<ListPage<SessionRecord>>
    /** Rejects with `not_found` where no live session has this id. */
    end(act: Act, sid: string): Promise<void>
    /** Answers how many have ended; rejects with `not_found` where there is no such account. */
    endAll(act: Act, sub: string): Promise<number>
  }
  readonly revocations: {
    /** How many live sessions the wish would end. It changes nothing and is not in the audit log. */
    preview(wish: RevocationWish): Promise<{ readonly sessions: number }>
    /** Whether anything has this id is not asked: what is revoked may be unknown here, and is dead all the same. */
    revoke(act: Act, order: RevocationOrder): Promise<void>
    /** The live ones, in the order of the ledger. */
    list(request: ListRequest): Promise<ListPage<Revocation>>
  }
  readonly keys: {
    /** Rejects with `forbidden` where the service has no keys in its database (`KEY_ENCRYPTION_KEY` is not set). */
    list(): Promise<readonly KeyDescription[]>
    rotate(act: Act): Promise<KeyDescription>
    /** Revokes everything and takes the key out. */
    retire(act: Act, kid: string): Promise<void>
  }
  readonly audit: {
    /** Newest first. */
    list(request: ListRequest): Promise<ListPage<AuditEntry>>
  }
  stats(): Promise<OperatorStats>
}
