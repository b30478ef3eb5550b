import { randomBytes } from 'node:crypto'
import { duration, MINUTE_MS } from '../../duration.ts'
import { askSecret } from '../asking.ts'
import { defineCommand, json, UsageError } from '../command.ts'
import { print } from '../printing.ts'
import { showProgress } from '../progress.ts'
import { isInteractive, type Terminal, tell } from '../terminal.ts'
import { examine, type WayReport } from './examination.ts'
import { logIn, type Patient, register } from './login.ts'
import { createNode, type Node } from './node.ts'
import { checkNodes } from './node-checks.ts'
import { complaintOf, type DoctorReport, reportText, reportValue } from './report.ts'
import { operatorWays, userWays, type Ward, type Way } from './ways.ts'

const MAX_NODES = 50

/** `rescind doctor`: shows on running services that what is revoked is dead everywhere. */
export const doctor = defineCommand({
  name: 'doctor',
  summary: 'show that running services refuse what was revoked',
  about: `
Logs in at the first URL, revokes in every way there is, replays each token that should be dead at every URL until it is
refused, and tells after how many milliseconds that was. Besides it looks at whether each node is ready, has the issuer
and the keys of the first, the right time and the security headers. It goes by HTTP alone: it can be run anywhere.

It ends all sessions of the account, so give it one of its own. Each time is what was measured: it holds a round trip
and the pause between two replays, and the last column tells by how much it may be too long. A refresh token is replayed
by POST /auth/refresh; where a node accepts it, what it is exchanged for is replayed too. A token is given --max-staleness
to die; what was sent later and is accepted counts.

Exit codes: 0 all is well, 1 a node accepts what is dead or fails a check, 2 not understood, 3 it could not be carried
out, or a node gave no answer that tells. The password is RESCIND_DOCTOR_PASSWORD, or is asked for, or is the first line of
standard input; the secret of the client is RESCIND_DOCTOR_CLIENT_SECRET, or is asked for.`,
  words: ['<url>…'],
  options: {
    email: { type: 'string', value: '<address>', is: 'the account to log in with' },
    register: { type: 'boolean', is: 'make an account for it, change its password too, and leave it behind' },
    client: {
      type: 'string',
      value: '<client id>',
      is: 'a client with the scope admin: revoke as an operator too, and disable what\nwas registered',
    },
    'max-staleness': { type: 'string', value: '<duration>', is: 'how long a token may take to die; 2s if left out' },
    ...json,
  },
  examples: [
    'doctor https://one.example.com https://two.example.com --email doctor@example.com',
    'doctor http://127.0.0.1:3000 --register --json',
  ],
  async run({ values, positionals }, terminal) {
    const nodes = readUrls(positionals).map(createNode)
    const [first] = nodes
    if (first === undefined) throw new UsageError('name a node: rescind doctor <url>…')
    const maxStalenessMs = readStaleness(values['max-staleness'])
    const isOwn = values.register === true
    const patient = await readPatient(terminal, { email: values.email, isOwn })
    const client = await readClient(terminal, values.client)
    const ward: Ward = { node: first, patient, client }
    const report = await examineAll(terminal, { nodes, ward, isOwn, maxStalenessMs })
    print(terminal, { json: values.json, value: reportValue(report), text: reportText(report) })
    if (isOwn && client === null) tell(terminal, `the account ${patient.email} is left behind: disable it`)
    const complaint = complaintOf(report)
    if (complaint !== null) throw complaint
  },
})

interface Examination {
  readonly nodes: readonly Node[]
  readonly ward: Ward
  readonly isOwn: boolean
  readonly maxStalenessMs: number
}

async function examineAll(terminal: Terminal, examination: Examination): Promise<DoctorReport> {
  const { nodes, ward, isOwn, maxStalenessMs } = examination
  const { node, patient, client } = ward
  const findings = await checkNodes(nodes)
  const { userId } = await (isOwn ? register : logIn)(node, patient)
  const planned: readonly Way[] = [
    // Last of a user's ways is the one that ends all sessions, and with them this first one.
    ...userWays(ward, { isOwn }),
    ...(client === null ? [] : operatorWays({ ...ward, userId }, { isOwn })),
  ]
  const progress = showProgress(terminal, 'ways to revoke')
  const ways: WayReport[] = []
  try {
    for (const way of planned) {
      progress.at(ways.length, ways.length / planned.length)
      ways.push(await examine(way, nodes, maxStalenessMs))
    }
  } finally {
    progress.end()
  }
  return { maxStalenessMs, findings, ways }
}

function readUrls(words: readonly string[]): readonly string[] {
  if (words.length > MAX_NODES) throw new UsageError(`name up to ${MAX_NODES} nodes`)
  return words.map((word) => {
    const url = URL.canParse(word) ? new URL(word) : null
    const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
    if (!isUsable || url.username !== '' || url.password !== '') {
      throw new UsageError('name each node by a URL like https://one.example.com, without a user, query or fragment')
    }
    return url.href.replace(/\/+$/, '')
  })
}

function readStaleness(text: string | undefined): number {
  if (text === undefined) return 2_000
  const read = duration(1, 10 * MINUTE_MS).safeParse(text)
  if (read.success) return read.data
  throw new UsageError('--max-staleness may be a duration from 1ms to 10m, like 2s')
}

async function readPatient(
  terminal: Terminal,
  { email, isOwn }: { email: string | undefined; isOwn: boolean },
): Promise<Patient> {
  if (isOwn) {
    const drawn = () => randomBytes(18).toString('base64url')
    // A domain that no mail leaves for (RFC 2606).
    return { email: email ?? `doctor-${drawn().toLowerCase()}@rescind.invalid`, password: drawn() }
  }
  if (email === undefined)
    throw new UsageError('name the account: --email doctor@example.com, or --register for a new one')
  const known = terminal.env.RESCIND_DOCTOR_PASSWORD
  return { email, password: known || (await askSecret(terminal, { message: `password of ${email}` })) }
}

/** What the client shows, by HTTP Basic. */
async function readClient(terminal: Terminal, id: string | undefined): Promise<Ward['client']> {
  if (id === undefined) return null
  const known = terminal.env.RESCIND_DOCTOR_CLIENT_SECRET
  if (!known && !isInteractive(terminal)) {
    throw new UsageError('set RESCIND_DOCTOR_CLIENT_SECRET to the secret of the client')
  }
  const secret = known || (await askSecret(terminal, { message: `secret of ${id}` }))
  const credentials = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}
