import { once } from 'node:events'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express from 'express'
import type { RequestGuard } from 'rescind'
import { expressGuard } from 'rescind/express'
import { nodeGuard } from 'rescind/node'
import { describe, expect, it, onTestFinished } from 'vitest'

/** A guard that lets everybody pass and renews every token, once it is told to. */
function slowGuard(cookies: readonly string[] = ['token=new']) {
  const seen: string[][] = []
  let release: (cookies: readonly string[]) => void = () => {}
  const renewed = new Promise<readonly string[]>((resolve) => {
    release = resolve
  })
  const guard: RequestGuard<string, { optional?: boolean | undefined }> = {
    check: () => ({ ok: true, principal: 'alice' }),
    answer: () => ({ status: 401, headers: {}, body: {} }),
    renews: () => true,
    renew(_principal, { setCookies }) {
      seen.push([...setCookies])
      return renewed
    },
  }
  return { guard, seen, release: () => release(cookies) }
}

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('a response that waits for the renewal', () => {
  const writers: Record<string, { listener: RequestListener; status?: number; body?: string; cookies?: string[] }> = {
    end: { listener: (_request, response) => response.end('hello'), body: 'hello' },
    'several writes and an end': {
      listener: (_request, response) => {
        response.write('a')
        response.write('b', 'utf8')
        response.end('c')
      },
      body: 'abc',
    },
    flushHeaders: {
      listener: (_request, response) => {
        response.flushHeaders()
        response.end('later')
      },
      body: 'later',
    },
    'writeHead with a reason and an object': {
      listener: (_request, response) =>
        response.writeHead(201, 'Made', { 'Set-Cookie': ['a=1', 'b=2'], 'x-other': 'kept' }).end('made'),
      status: 201,
      body: 'made',
      cookies: ['a=1', 'b=2'],
    },
    'writeHead with one cookie': {
      listener: (_request, response) => response.writeHead(200, { 'set-cookie': 'a=1', 'x-other': 'kept' }).end(),
      cookies: ['a=1'],
    },
    'writeHead with a flat array': {
      listener: (_request, response) =>
        response.writeHead(200, ['Set-Cookie', 'a=1', 'X-Other', 'kept', 'SET-COOKIE', 'b=2']).end(),
      cookies: ['a=1', 'b=2'],
    },
    'writeHead over setHeader': {
      listener: (_request, response) => {
        response.setHeader('set-cookie', 'old=1')
        response.writeHead(200, { 'set-cookie': 'a=1' }).end()
      },
      cookies: ['a=1'],
    },
    'setHeader and a cork': {
      listener: (_request, response) => {
        response.setHeader('set-cookie', 'a=1')
        response.cork()
        response.write('corked')
        response.uncork()
        response.end()
      },
      body: 'corked',
      cookies: ['a=1'],
    },
  }
  for (const [name, { listener, status = 200, body = '', cookies = [] }] of Object.entries(writers)) {
    it(`is whole after ${name}`, async () => {
      const { guard, seen, release } = slowGuard()
      let wasSent = false
      const guarded = nodeGuard(guard)((request, response) => {
        listener(request, response)
        wasSent = response.headersSent
        release()
      })
      const response = await fetch(await serve(guarded))
      expect(response.status).toBe(status)
      expect(await response.text()).toBe(body)
      expect(response.headers.getSetCookie()).toEqual([...cookies, 'token=new'])
      expect(seen).toEqual([cookies])
      expect(wasSent).toBe(true)
      if (name.startsWith('writeHead with')) expect(response.headers.get('x-other')).toBe('kept')
    })
  }

  it('takes no change any more', async () => {
    const { guard, release } = slowGuard()
    const guarded = nodeGuard(guard)((_request, response) => {
      response.end('first')
      response.statusCode = 500
      response.end()
      release()
    })
    const response = await fetch(await serve(guarded))
    expect([response.status, await response.text()]).toEqual([200, 'first'])
  })

  it.each([3, 65_536])('lets a stream in pieces of %i bytes go on', async (size) => {
    const { guard, release } = slowGuard()
    const chunk = 'x'.repeat(size)
    const guarded = nodeGuard(guard)(async (_request, response) => {
      setImmediate(release)
      await pipeline(Readable.from(Array.from({ length: 40 }, () => chunk)), response)
    })
    const response = await fetch(await serve(guarded))
    expect((await response.text()).length).toBe(40 * size)
    expect(response.headers.getSetCookie()).toEqual(['token=new'])
  })

  it('is cut off, and nothing else comes of it, where what was written cannot be', async () => {
    const { guard, release } = slowGuard()
    const guarded = nodeGuard(guard)((_request, response) => {
      Reflect.apply(response.end, response, [42])
      release()
    })
    await expect(fetch(await serve(guarded))).rejects.toThrow()
  })

  it('does no harm when the client has gone meanwhile', async () => {
    const { guard, release } = slowGuard()
    const closed = withResolvers()
    const guarded = nodeGuard(guard)((_request, response) => {
      response.on('close', () => {
        release()
        closed.resolve()
      })
      response.write('held')
      response.end()
      sent.destroy()
    })
    const sent = httpRequest(await serve(guarded)).on('error', () => {})
    sent.end()
    await closed.promise
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('asks once, and asks each of two guards with what the other added', async () => {
    const [outer, inner] = [slowGuard(['outer=1']), slowGuard(['inner=1'])]
    const app = express()
    app.use(expressGuard(outer.guard), expressGuard(inner.guard))
    app.get('/', (_request, response) => {
      response.cookie('route', '1').json({})
      outer.release()
      inner.release()
    })
    const response = await fetch(await serve(app))
    expect(response.headers.getSetCookie()).toEqual(['route=1; Path=/', 'inner=1', 'outer=1'])
    expect(inner.seen).toEqual([['route=1; Path=/']])
    expect(outer.seen).toEqual([['route=1; Path=/', 'inner=1']])
  })
})

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
