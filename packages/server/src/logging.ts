import type { FastifyServerOptions } from 'fastify'
import { notedRefusal } from './noted-refusals.ts'

/** Where log lines go, and how many. */
export interface LogTarget {
  readonly level: string
  readonly stream: { write(line: string): void }
}

/**
 * Pino, told what a line may hold. Headers, bodies and query strings carry passwords and tokens, so a request is logged
 * as the route it matched, which holds nothing that the client chose.
 */
export function loggerOptions(target: LogTarget): NonNullable<FastifyServerOptions['logger']> {
  return {
    level: target.level,
    stream: target.stream,
    serializers: {
      req: (request) => ({
        method: request.method,
        route: request.routeOptions?.url ?? '(no route)',
        remoteAddress: request.ip,
      }),
      res: (reply) => ({
        statusCode: reply.statusCode,
        code: reply.request === undefined ? undefined : notedRefusal(reply.request)?.code,
      }),
      err: (error) => ({
        type: error.name,
        message: error.message,
        stack: error.stack ?? '',
        ...(typeof error.code === 'string' ? { code: error.code } : {}),
      }),
    },
  }
}
