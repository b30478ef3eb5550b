import type { Session } from 'rescind/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../src/config.ts'
import { bearer, PASSWORD, startApp } from './support/start-app.ts'

/** The address that a session keeps of a login with this header, from 127.0.0.1. */
async function recordedAddress(trusted: string | undefined, forwardedFor: string): Promise<string | null> {
  const app = await startApp({ settings: trusted === undefined ? {} : { TRUST_PROXY: trusted } })
  onTestFinished(() => app.close())
  const { user } = await app.register()
  const headers = { 'x-forwarded-for': forwardedFor, 'x-real-ip': '6.6.6.6', forwarded: 'for=6.6.6.6' }
  const login = await app.post('/auth/login', { email: user.email, password: PASSWORD }, headers)
  const { access_token } = (await login.json()) as { access_token: string }
  const answer = await fetch(`${app.url}/auth/sessions`, { headers: bearer(access_token) })
  const { sessions } = (await answer.json()) as { sessions: Session[] }
  return sessions.find(({ current }) => current)?.ip ?? null
}

describe('the address of a client', () => {
  it.each([
    // Nobody is believed unless told.
    [undefined, '6.6.6.6', '127.0.0.1'],
    ['false', '6.6.6.6', '127.0.0.1'],
    ['0', '6.6.6.6', '127.0.0.1'],
    ['10.0.0.0/8', '6.6.6.6', '127.0.0.1'],
    // A proxy on this machine: what it appended counts, what the client sent before does not.
    ['127.0.0.1', '6.6.6.6', '6.6.6.6'],
    ['127.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['127.0.0.0/8', '127.0.0.1, 203.0.113.9', '203.0.113.9'],
    ['127.0.0.1, 10.0.0.0/8', '6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['127.0.0.1', '6.6.6.6, 2001:db8::7', '2001:db8::7'],
    ['1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['2', '6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    // What is no address is nobody's.
    ['127.0.0.1', '6.6.6.6, <script>', null],
    ['1', "6.6.6.6, ' OR 1=1", null],
  ])('with TRUST_PROXY %j and X-Forwarded-For %j is %j', async (trusted, forwardedFor, address) => {
    expect(await recordedAddress(trusted, forwardedFor)).toBe(address)
  })
})

describe('TRUST_PROXY', () => {
  it.each([
    'true',
    '11',
    '-1',
    '1.5',
    '*',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    'loopback',
    'proxy.example',
    '10.0.0.1,',
    'fe80::1%eth0',
  ])('may not be %j', (value) => {
    expect(() => readConfig({ TRUST_PROXY: value })).toThrow(/^TRUST_PROXY holds .*; it may hold false, a number/)
  })

  it.each([
    ['false', false],
    ['0', false],
    ['3', 3],
    ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
  ])('may be %j', (value, expected) => {
    expect(readConfig({ TRUST_PROXY: value }).trustProxy).toEqual(expected)
  })
})

describe('CORS_ORIGINS', () => {
  it.each([
    '*',
    'null',
    'https://*.example.com',
    'https://a.example/',
    'https://A.example',
    'a.example',
    'https://a.example,',
  ])('may not be %j', (value) => {
    expect(() => readConfig({ CORS_ORIGINS: value })).toThrow(/^CORS_ORIGINS holds .*; it may hold origins like/)
  })

  it.each([
    ['https://a.example', ['https://a.example']],
    ['https://a.example:8443, http://localhost:5173', ['https://a.example:8443', 'http://localhost:5173']],
    ['capacitor://localhost', ['capacitor://localhost']],
  ])('may be %j', (value, expected) => {
    expect(readConfig({ CORS_ORIGINS: value }).corsOrigins).toEqual(expected)
  })
})
