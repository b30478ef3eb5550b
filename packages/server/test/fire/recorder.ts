import type { ActName, ActRecord, GivenTokens } from './journal.ts'
import type { NodeAnswer, Question, Requests, Target } from './requests.ts'

/** A pair of tokens that a client holds, and what the journal calls it. */
export interface HeldTokens {
  readonly given: GivenTokens
  readonly sid: string
  readonly access: string
  readonly refresh: string
}

/** A request of one act, and what the journal is to say of it. */
export interface RecordedQuestion {
  readonly user: number
  readonly act: ActName
  readonly node: Target
  readonly question: Question
  readonly token?: number | undefined
  readonly target?: number | undefined
  readonly password?: number | undefined
  /** The secret of a mailed link. */
  readonly link?: string | undefined
}

/** What became of it. */
export interface RecordedAnswer {
  readonly record: ActRecord
  readonly answer: NodeAnswer | null
  /** What the client was given, if anything. */
  readonly tokens: HeldTokens | null
}

/** Asks, and writes everything down. */
export interface Recorder {
  readonly acts: readonly ActRecord[]
  /** Milliseconds since the run began. */
  nowMs(): number
  ask(question: RecordedQuestion): Promise<RecordedAnswer>
}

/** Numbers tokens and sessions, so that the journal holds no secret. */
export function createRecorder(requests: Requests): Recorder {
  const beganAt = performance.now()
  const nowMs = () => performance.now() - beganAt
  const acts: ActRecord[] = []
  const numbers = new Map<string, number>()
  const numberOf = (text: string) => {
    const number = numbers.get(text) ?? numbers.size + 1
    numbers.set(text, number)
    return number
  }
  const readTokens = (answer: NodeAnswer | null, startMs: number): HeldTokens | null => {
    const { access_token: access, refresh_token: refresh, session_id: sid, expires_in: seconds } = answer?.body ?? {}
    if (typeof access !== 'string' || typeof refresh !== 'string') return null
    const given = {
      session: numberOf(String(sid)),
      access: numberOf(access),
      refresh: numberOf(refresh),
      accessExpiresMs: Math.round(startMs + Number(seconds) * 1000),
    }
    return { given, sid: String(sid), access, refresh }
  }
  let asked = 0
  return {
    acts,
    nowMs,
    async ask({ user, act, node, question, token, target, password, link }) {
      asked += 1
      const id = asked
      const startMs = nowMs()
      const answer = await requests.ask(node, question)
      const endMs = nowMs()
      const tokens = readTokens(answer, startMs)
      const code = answer?.body.code
      const record: ActRecord = {
        id,
        user,
        act,
        node: node.name,
        startMs,
        endMs,
        token: token ?? null,
        target: target ?? null,
        password: password ?? null,
        link: link === undefined ? null : numberOf(link),
        status: answer?.status ?? null,
        code: typeof code === 'string' ? code : null,
        gave: tokens?.given ?? null,
      }
      acts.push(record)
      return { record, answer, tokens }
    },
  }
}
