// The baseline of `npm run bench -- service`, in a process of its own: Fastify over one-commit-sessions.mjs.
import { readFileSync } from 'node:fs'
import { fastify } from 'fastify'
import { oneCommitSessions } from './one-commit-sessions.mjs'

const sessions = await oneCommitSessions(process.env.PLACE, JSON.parse(readFileSync(process.env.KEYS, 'utf8')))
const app = fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (_request, reply) => {
  reply.header('cache-control', 'no-store')
})
app.setErrorHandler(async (_error, _request, reply) => reply.code(401).send({ code: 'token_invalid' }))

app.post('/auth/refresh', async (request) => {
  const { accessToken, refreshToken, sid, user, expiresIn } = await sessions.refresh(request.body.refresh_token)
  return {
    access_token: accessToken,
    refresh_token: refreshToken,
    token_type: 'Bearer',
    expires_in: expiresIn,
    session_id: sid,
    user: { id: user.id, email: user.email },
  }
})

app.post('/auth/logout', async (request, reply) => {
  await sessions.logOut(request.headers.authorization.slice('Bearer '.length))
  return reply.code(204).send()
})

process.stdout.write(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`)
process.once('SIGTERM', async () => {
  await app.close()
  await sessions.close()
  process.exit(0)
})
