import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Debian's interpreter, which sees Debian's packages. */
const PYTHON = '/usr/bin/python3'
const PACKAGES = 'python3-jwt, python3-cryptography and python3-python-flask-jwt-extended'

/** Hands a script of this folder a question and reads its answer. Throws where Python or a package is not installed. */
export function askPython<Answer>(script: string, question: unknown): Answer {
  const run = spawnSync(PYTHON, [fileURLToPath(new URL(script, import.meta.url))], {
    input: JSON.stringify(question),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (run.status === 0) return JSON.parse(run.stdout) as Answer
  throw new Error(`${PYTHON} with Debian's ${PACKAGES} is needed: ${run.error ?? run.stderr}`)
}
