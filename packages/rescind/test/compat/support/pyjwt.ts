import { askPython } from './python.ts'

/** What the real PyJWT can be asked. */
export type Question =
  | { ask: 'encode'; claims: object; key: string; algorithm: string; headers?: object }
  | { ask: 'decode'; token: string; key: string; algorithms: readonly string[]; leeway?: number }
  | { ask: 'words'; token: string; key: string; algorithms: readonly string[] }
  | { ask: 'json_fault'; base64: string }

/** Asks the real PyJWT, all questions in one process. */
export function askPyJwt<Answer>(questions: readonly Question[]): Answer[] {
  const answers = askPython<Answer[]>('pyjwt-oracle.py', questions)
  if (answers.length !== questions.length) throw new Error('PyJWT left a question unanswered.')
  return answers
}
