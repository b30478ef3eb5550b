import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../../../tools/servers/shared.mjs'
import { SECRET } from './tokens.mjs'

// Debian's own, whatever other Python there is: the packages are for this one.
const PYTHON = '/usr/bin/python3'
const READY_WITHIN_MS = 10_000

/** Why Flask cannot be run here; `null` where it can. */
export function whyNoFlask() {
  const { status } = spawnSync(PYTHON, ['-c', 'import flask, flask_jwt_extended, jwt, redis, gunicorn'])
  return status === 0
    ? null
    : 'needs python3-flask, python3-jwt, python3-python-flask-jwt-extended, python3-redis and gunicorn of Debian'
}

/**
 * Starts Flask behind gunicorn with one sync worker, its default: one process does all the work, as with the others. It
 * ends the connection after each answer, since that kind of worker keeps none.
 */
export async function startFlask({ redisUrl }) {
  const port = await freePort()
  const child = spawn(
    PYTHON,
    ['-m', 'gunicorn', '--bind', `127.0.0.1:${port}`, '--workers', '1', '--log-level', 'error', 'flask_app:app'],
    {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, BENCH_SECRET: SECRET, BENCH_REDIS_URL: redisUrl, PYTHONDONTWRITEBYTECODE: '1' },
    },
  )
  const stopNow = () => child.kill()
  process.once('exit', stopNow)
  const usage = async () => (await fetch(`http://127.0.0.1:${port}/usage`)).json()
  const giveUpAt = performance.now() + READY_WITHIN_MS
  while (!(await usage().catch(() => false))) {
    if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error('gunicorn did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    port,
    usage,
    async stop() {
      process.removeListener('exit', stopNow)
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}
