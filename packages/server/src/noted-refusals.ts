import type { FastifyRequest } from 'fastify'

/** Why a request was refused, for the log and for metrics. */
export interface NotedRefusal {
  /** One of a known set: never what a client wrote. */
  readonly code: string
  /** Whose account it was about, where that is known. Not told to the client. */
  readonly userId?: string | undefined
}

const refusals = new WeakMap<FastifyRequest, NotedRefusal>()
const users = new WeakMap<FastifyRequest, string>()
const clients = new WeakMap<FastifyRequest, string>()

/** Notes why a request is refused, where its answer is made. */
export function noteRefusal(request: FastifyRequest, refusal: NotedRefusal): void {
  refusals.set(request, refusal)
}

/** Notes whom a request without a token turned out to be made by. */
export function noteUser(request: FastifyRequest, userId: string): void {
  users.set(request, userId)
}

/** Notes the client whose credentials were shown, and good. */
export function noteClient(request: FastifyRequest, clientId: string): void {
  clients.set(request, clientId)
}

/** Why a request was refused; `undefined` where it was not. */
export function notedRefusal(request: FastifyRequest): NotedRefusal | undefined {
  return refusals.get(request)
}

/** Who makes a request, or whose account it is about; `undefined` where nobody knows. */
export function notedUser(request: FastifyRequest): string | undefined {
  return users.get(request) ?? request.auth?.sub ?? refusals.get(request)?.userId
}

/** The client that makes a request; `undefined` where none has proved that it does. */
export function notedClient(request: FastifyRequest): string | undefined {
  return clients.get(request)
}
