import { describe, expect, it } from 'vitest'
import {
  answer,
  b64,
  forge,
  goodClaims,
  goodHeader,
  makeMaterial,
  signAs,
  split,
  startFixture,
  trailingBitTwins,
} from './forge.ts'

const material = makeMaterial('HS256')
const { auth } = await startFixture(material)
const good = forge(material)
const [header, payload, signature] = split(good)
const refuse = (token: string) => answer(auth, token)

type Rows = readonly (readonly [name: string, token: string])[]

describe('the control', () => {
  it('accepts the token that all others are made from, and reads it', async () => {
    const principal = await auth.verify(good)
    expect(principal).toMatchObject({ sub: 'alice', sid: 'session-1', jti: 'token-1', type: 'access', token: good })
    expect(principal.claims).toEqual(goodClaims())
  })
})

describe('alg', () => {
  const unsigned = (alg: unknown) => `${b64({ typ: 'JWT', alg })}.${payload}.`
  const names = ['none', 'None', 'NONE', 'nOnE', ' none', 'none ', 'none\0', '\0none', 'no\0ne', '\tnone', 'none\n']
  const shapes = ['', 'null', 'undefined', [], ['none'], ['HS256'], {}, null, 0, 1, true, false, { alg: 'HS256' }]
  const others = ['hs256', 'HS256 ', ' HS256', 'HS256\0', 'Hs256', 'HS384', 'HS512', 'HS1', 'HMAC', 'ES256K', 'RSA1_5']
  const objectMembers = ['toString', '__proto__', 'constructor', 'hasOwnProperty', 'valueOf', 'dir', 'A128KW']
  const all = [...names, ...shapes, ...others, ...objectMembers]

  it.each(all.map((alg) => [alg]))('refuses %j, unsigned and signed', async (alg) => {
    expect(await refuse(unsigned(alg))).toBe('token_invalid')
    expect(await refuse(`${b64({ typ: 'JWT', alg })}.${payload}.${signature}`)).toBe('token_invalid')
    expect(await refuse(forge(material, { header: goodHeader(material, { alg }) }))).toBe('token_invalid')
  })

  it('refuses a header without alg, though the signature is genuine', async () => {
    expect(await refuse(forge(material, { header: { typ: 'JWT', kid: material.kid } }))).toBe('token_invalid')
    expect(await refuse(forge(material, { header: {} }))).toBe('token_invalid')
    expect(await refuse(forge(material, { header: { ALG: 'HS256', Alg: 'HS256' } }))).toBe('token_invalid')
  })
})

describe('the compact form', () => {
  const padded = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4 + (text.length % 4 === 0 ? 4 : 0), '=')
  const rows: Rows = [
    ['empty', ''],
    ['one dot', '.'],
    ['two dots', '..'],
    ['no dots', header + payload + signature],
    ['two segments', `${header}.${payload}`],
    ['no header', `.${payload}.${signature}`],
    ['no payload', `${header}..${signature}`],
    ['four segments', `${good}.`],
    ['four segments, the last repeated', `${good}.${signature}`],
    ['a dot in front', `.${good}`],
    ['five segments, as a JWE', `${b64({ alg: 'dir', enc: 'A128GCM' })}..${b64('iv')}.${b64('text')}.${b64('tag')}`],
    ['five segments, genuine in front', `${good}.AAAA.AAAA`],
    ['many dots', '.'.repeat(8000)],
    ['padded header', `${padded(header)}.${payload}.${signature}`],
    ['padded payload', `${header}.${padded(payload)}.${signature}`],
    ['padded signature', `${header}.${payload}.${padded(signature)}`],
    ['one = at the end', `${good}=`],
    ['space in front', ` ${good}`],
    ['space at the end', `${good} `],
    ['newline at the end', `${good}\n`],
    ['CRLF at the end', `${good}\r\n`],
    ['tab within', `${header}.${payload.slice(0, 8)}\t${payload.slice(8)}.${signature}`],
    ['newline within the signature', `${header}.${payload}.${signature.slice(0, 8)}\n${signature.slice(8)}`],
    ['NUL at the end', `${good}\0`],
    ['a byte order mark', `\ufeff${good}`],
    ['a non-breaking space', `${good}\u00a0`],
    ['a percent-encoded dot', good.replace('.', '%2E')],
    ['quotes around', `"${good}"`],
    ['a comma and another', `${good},${good}`],
    ['a fullwidth dot', good.replace('.', '\uff0e')],
    ['a letter beyond Latin-1 with the same low byte', String.fromCharCode(0x100 + good.charCodeAt(0)) + good.slice(1)],
    ['a surplus character in the header', `${header}A.${payload}.${signature}`],
    ['characters that base64 skips, in the header', `${header}!!.${payload}.${signature}`],
    ['characters that base64 skips, in the payload', `${header}.*${payload}.${signature}`],
    ['characters that base64 skips, in the signature', `${header}.${payload}.${signature}@`],
    ['JSON serialization', JSON.stringify({ protected: header, payload, signature })],
    ['percent-encoded', encodeURIComponent(JSON.stringify(good))],
  ]
  it.each(rows)('refuses: %s', async (_name, token) => {
    expect(await refuse(token)).toBe('token_malformed')
  })

  it('refuses every spelling with unused bits set', async () => {
    const twins = trailingBitTwins(signature)
    expect(twins).toHaveLength(3)
    for (const twin of twins) expect(await refuse(`${header}.${payload}.${twin}`)).toBe('token_malformed')
    // A payload of each length modulo 3, signed as it is spelled: the signature is genuine for the twin itself.
    for (const sub of ['a', 'ab', 'abc']) {
      for (const twin of trailingBitTwins(b64(goodClaims({ sub })))) {
        const input = `${header}.${twin}`
        const token = `${input}.${signAs('HS256', material.signing, input).toString('base64url')}`
        expect(await refuse(token)).toBe('token_malformed')
      }
    }
  })

  it('refuses the standard alphabet of base64, which means the same bytes', async () => {
    // Enough tokens that some hold - or _ in each segment.
    let seen = 0
    for (let at = 0; at < 40; at += 1) {
      const token = forge(material, { payload: goodClaims({ jti: `token-${at}`, note: '\u00ff\u00fe???>>>~~~' }) })
      const swapped = token.replaceAll('-', '+').replaceAll('_', '/')
      expect(await refuse(token)).toBe('accepted')
      if (swapped === token) continue
      seen += 1
      expect(await refuse(swapped)).toBe('token_malformed')
    }
    expect(seen).toBeGreaterThan(20)
  })

  it('refuses any value that is not a string', async () => {
    for (const value of [null, undefined, 0, true, {}, [good], Buffer.from(good), new String(good)]) {
      expect(await refuse(value as unknown as string)).toBe('token_malformed')
    }
  })

  it('takes a token of 8192 bytes and refuses one of 8193', async () => {
    const sized = (length: number): string => {
      // base64url has no segment of 4k + 1 characters, so the header gives what the payload cannot.
      for (const x of ['', 'x', 'xx']) {
        for (let fill = Math.floor(length * 0.7); fill < length * 0.76; fill += 1) {
          const token = forge(material, {
            header: goodHeader(material, { x }),
            payload: goodClaims({ fill: 'y'.repeat(fill) }),
          })
          if (token.length === length) return token
        }
      }
      throw new Error(`no token has ${length} bytes`)
    }
    expect(await refuse(sized(8192))).toBe('accepted')
    expect(await refuse(sized(8193))).toBe('token_malformed')
    expect(await refuse(`${good}${'A'.repeat(1_000_000)}`)).toBe('token_malformed')
  })
})

describe('tampering', () => {
  it('refuses another character at every position of the token', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (let at = 0; at < good.length; at += 1) {
      for (const step of [1, 17, 32]) {
        const now = alphabet.indexOf(good[at] ?? '')
        const char = now === -1 ? 'A' : (alphabet[(now + step) % 64] ?? 'A')
        const code = await refuse(good.slice(0, at) + char + good.slice(at + 1))
        expect(['token_invalid', 'token_malformed'], `position ${at}`).toContain(code)
      }
      const shorter = await refuse(good.slice(0, at) + good.slice(at + 1))
      expect(['token_invalid', 'token_malformed'], `without ${at}`).toContain(shorter)
    }
  })

  it('refuses every flipped bit of payload and signature as token_invalid, before the payload is read', async () => {
    for (const [segment, rebuild] of [
      [payload, (text: string) => `${header}.${text}.${signature}`],
      [signature, (text: string) => `${header}.${payload}.${text}`],
    ] as const) {
      const bytes = Buffer.from(segment, 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await refuse(rebuild(b64(flipped))), `bit ${bit}`).toBe('token_invalid')
      }
    }
  })
})
