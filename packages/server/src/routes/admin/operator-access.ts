import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Rescind, RescindError } from 'rescind'
import { fastifyView } from 'rescind/fastify'
import type { Users } from '../../repositories/users.ts'
import type { Clients } from '../../services/clients.ts'
import type { Act, Actor } from '../../services/operators/operators.ts'
import { authenticated } from '../authenticated.ts'
import { guard } from '../guard.ts'
import { guardedRoute } from '../guarded-route.ts'
import { scopedClient } from '../scoped-client.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** Who may use the routes of operators, and who it was. */
export interface OperatorAccess {
  /**
   * The hooks of every route: they let administrators pass who have just proved who they are, and clients with the scope
   * `admin`. Where something changes they ask twice: before a body is read, and once it is there, since whoever sends it
   * slowly could lose the right to do it meanwhile.
   */
  readonly guarded: { readonly onRequest: Hook; readonly preHandler: Hook }
  /** What a request that has passed does, and why. Refuses where a route was left without the hooks. */
  actOf(request: FastifyRequest, reason: string | undefined): Act
}

/** What access is decided by. */
export interface OperatorAccessOptions {
  readonly auth: Rescind
  readonly users: Users
  readonly clients: Clients
}

const BASIC = /^basic(?: |$)/i

/** Composes it. Whether somebody is an administrator is read anew for each request: a role that is gone is gone at once. */
export function createOperatorAccess({ auth, users, clients }: OperatorAccessOptions): OperatorAccess {
  const actors = new WeakMap<FastifyRequest, Actor>()
  const byFreshToken = guard(auth, { fresh: true })
  const asUser = async (request: FastifyRequest): Promise<string> => {
    await byFreshToken(request)
    const user = await users.byId(authenticated(request).sub)
    if (user === null || user.disabledAtMs !== null) {
      throw new RescindError('token_invalid', 'The account of this token is gone or disabled.')
    }
    if (!user.admin) throw new RescindError('forbidden', 'Only administrators may do this.')
    return user.id
  }
  const asClient = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    // Whose act it is must not be a matter of which of the two is looked at first.
    const cookie = await auth.check(fastifyView(request), { type: 'any', locations: ['cookie'], optional: true })
    if (!cookie.ok || cookie.principal !== null) {
      throw new RescindError('invalid_request', 'Show the credentials of a client or the cookies of a user, not both.')
    }
    return (await scopedClient(request, reply, { clients, scope: 'admin' })).id
  }
  const admit: Hook = async (request, reply) => {
    const header = fastifyView(request).header('authorization')
    const isClient = typeof header === 'string' && BASIC.test(header)
    const ip = isIP(request.ip) === 0 ? null : request.ip
    const actor: Actor = isClient
      ? { kind: 'client', id: await asClient(request, reply), ip }
      : { kind: 'user', id: await asUser(request), ip }
    actors.set(request, actor)
  }
  return {
    guarded: guardedRoute(admit),
    actOf(request, reason) {
      const actor = actors.get(request)
      if (actor === undefined) throw new RescindError('forbidden', 'Only administrators may do this.')
      return { actor, reason: reason ?? null }
    },
  }
}
