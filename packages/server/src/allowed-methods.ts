import type { FastifyInstance } from 'fastify'
import { RescindError } from 'rescind'

/**
 * Answers 405 with `Allow` on every path that exists for other methods. Call it before the routes are registered; the
 * refusals are routes themselves, so the router decides what a path matches. They refuse before a body is read.
 */
export function refuseOtherMethods(app: FastifyInstance): { complete(): void } {
  const methodsByUrl = new Map<string, Set<string>>()
  app.addHook('onRoute', (route) => {
    const methods = methodsByUrl.get(route.url) ?? new Set()
    for (const method of [route.method].flat()) methods.add(method)
    methodsByUrl.set(route.url, methods)
  })
  return {
    complete() {
      for (const [url, methods] of [...methodsByUrl]) {
        const allow = [...methods].sort().join(', ')
        const refused = app.supportedMethods.filter((method) => !methods.has(method))
        app.route({
          url,
          method: refused,
          exposeHeadRoute: false,
          onRequest: async (_request, reply) => {
            reply.header('allow', allow)
            throw new RescindError('method_not_allowed', `This path takes ${allow}.`)
          },
          handler: async () => undefined,
        })
      }
    },
  }
}
