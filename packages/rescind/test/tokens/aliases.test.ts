import { describe, expect, it } from 'vitest'
import {
  answer,
  type Family,
  families,
  forge,
  goodClaims,
  goodHeader,
  makeMaterial,
  otherEcdsaTwin,
  signAs,
  split,
  startFixture,
  trailingBitTwins,
} from './forge.ts'

const authorization = (value: string) => ({
  method: 'GET',
  url: '/',
  header: (name: string) => (name === 'authorization' ? value : undefined),
})

/** Other spellings of a token that some verifier has taken for the token itself. */
function spellings(token: string): string[] {
  const [header, payload, signature] = split(token)
  const percent = (text: string) => [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')
  return [
    token.toUpperCase(),
    token.toLowerCase(),
    `${token}=`,
    `${token}==`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload}=.${signature}`,
    ...[
      ' ',
      '\n',
      '\r\n',
      '\t',
      '\0',
      '\u00a0',
      '\ufeff',
      '\u200b',
      '.',
      ',',
      ';',
      '%00',
      '%20',
      '?',
      '#',
      '/',
    ].flatMap((char) => [`${token}${char}`, `${char}${token}`]),
    `${token}.${signature}`,
    `${token}.AAAA`,
    `${token}AAAA`,
    `${token}A`,
    `${header}.${payload}. ${signature}`,
    `${header} .${payload}.${signature}`,
    token.replaceAll('.', '%2E'),
    token.replaceAll('-', '+').replaceAll('_', '/').concat('='),
    percent(token),
    encodeURIComponent(`"${token}"`),
    `"${token}"`,
    `Bearer ${token}`,
    `${token},${token}`,
    `${token} ${token}`,
    ...trailingBitTwins(signature).map((twin) => `${header}.${payload}.${twin}`),
    ...trailingBitTwins(payload).map((twin) => `${header}.${twin}.${signature}`),
    ...trailingBitTwins(header).map((twin) => `${twin}.${payload}.${signature}`),
  ].filter((alias) => alias !== token)
}

/** Header values that carry the token, of which some are accepted before the revocation. */
function headerValues(token: string): string[] {
  const schemes = ['Bearer', 'bearer', 'BEARER', 'bEaReR']
  return schemes
    .flatMap((scheme) => [`${scheme} ${token}`, `${scheme}  ${token}`, `${scheme}\t${token}`, ` ${scheme} ${token}`])
    .concat(schemes.flatMap((scheme) => [`${scheme} ${token} `, `${scheme}: ${token}`, `${scheme},${token}`]))
}

describe.each(families)('A8: after a revocation, %s', (alg: Family) => {
  it.each(['token', 'session'] as const)('no alias of the token passes (revoke.%s)', async (kind) => {
    const material = makeMaterial(alg)
    const { auth } = await startFixture(material)
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    const other = await auth.issue({ sub: 'alice' })
    const principal = await auth.verify(accessToken)

    const [header, payload, signature] = split(accessToken)
    const input = `${header}.${payload}`
    const again = signAs(alg, material.signing, input)
    // Second signatures of the same words, and the same claims in other words: only the holder of the key makes the
    // latter, but a front that re-encodes tokens is such a holder.
    const genuine = [
      accessToken,
      `${input}.${again.toString('base64url')}`,
      ...(alg === 'ES256'
        ? [`${input}.${otherEcdsaTwin(Buffer.from(signature, 'base64url')).toString('base64url')}`]
        : []),
      forge(material, { payload: JSON.stringify(principal.claims, null, 2) }),
      forge(material, { payload: JSON.stringify(principal.claims).replace('"jti"', '"j\\u0074i"') }),
      forge(material, { header: goodHeader(material, { typ: 'at+jwt', kid: undefined }), payload: principal.claims }),
    ]
    for (const token of genuine) expect(await answer(auth, token)).toBe('accepted')
    const aliases = spellings(accessToken)
    for (const alias of aliases) expect(await answer(auth, alias), alias).not.toBe('accepted')
    const accepted: string[] = []
    for (const value of genuine.flatMap(headerValues))
      if ((await auth.check(authorization(value))).ok) accepted.push(value)
    expect(accepted.length).toBeGreaterThanOrEqual(genuine.length * 4)

    if (kind === 'token') await auth.revoke.token({ jti: principal.jti })
    else await auth.revoke.session(sid)

    for (const token of genuine) expect(await answer(auth, token)).toBe('token_revoked')
    for (const alias of aliases) {
      expect(['token_malformed', 'token_invalid'], alias).toContain(await answer(auth, alias))
    }
    for (const value of [...genuine, ...aliases].flatMap(headerValues)) {
      const decision = await auth.check(authorization(value))
      expect(decision.ok, value).toBe(false)
      if (accepted.includes(value)) expect(decision).toMatchObject({ error: { code: 'token_revoked' } })
    }
    // The control: the other login lives on.
    expect(await answer(auth, other.accessToken)).toBe('accepted')
  })
})

describe('A8: the ids of a revocation', () => {
  it('are compared exactly: a token with another jti is another token', async () => {
    const material = makeMaterial('EdDSA')
    const { auth } = await startFixture(material)
    const withJti = (jti: string) => forge(material, { payload: goodClaims({ jti, sid: undefined }) })
    await auth.revoke.token({ jti: 'caf\u00e9' })
    expect(await answer(auth, withJti('caf\u00e9'))).toBe('token_revoked')
    expect(
      await answer(
        auth,
        forge(material, {
          payload: JSON.stringify(goodClaims({ jti: '@', sid: undefined })).replace('@', 'caf\\u00e9'),
        }),
      ),
    ).toBe('token_revoked')
    for (const jti of ['cafe', 'cafe\u0301', 'CAF\u00c9', 'caf\u00e9 ']) {
      expect(await answer(auth, withJti(jti)), jti).toBe('accepted')
    }
  })
})
