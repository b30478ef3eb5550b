import { createTransport } from 'nodemailer'
import type { MailTransport } from './mailer.ts'
import { messageOf } from './message.ts'

const TIMEOUT_MS = 10_000
const CONNECTIONS = 2
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * A mail server. `smtps:` speaks TLS from the start; `smtp:` changes over to it where the server offers to, and has to
 * before it shows a password to another machine.
 */
export function smtpTransport(url: string, from: string): MailTransport {
  const { protocol, hostname, port, username, password } = new URL(url)
  const hasPassword = password !== ''
  const transport = createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultPort(protocol, hasPassword) : Number(port),
    secure: protocol === 'smtps:',
    requireTLS: hasPassword && !LOOPBACK.test(hostname),
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async deliver(mail) {
      try {
        await transport.sendMail(messageOf(mail, from))
      } catch (error) {
        throw Object.assign(error as Error, { isPermanent: isRefusal(error) })
      }
    },
    close: () => transport.close(),
  }
}

// Submission (RFC 6409) wants a password; the port of servers among themselves wants none.
function defaultPort(protocol: string, hasPassword: boolean): number {
  if (protocol === 'smtps:') return 465
  return hasPassword ? 587 : 25
}

/** RFC 5321 §4.2.1: what a server answers from 500 on will not get better. */
function isRefusal(error: unknown): boolean {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown }
  // A wrong password may be put right while the service runs.
  return typeof responseCode === 'number' && responseCode >= 500 && code !== 'EAUTH'
}
