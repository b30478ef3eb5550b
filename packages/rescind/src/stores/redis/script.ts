import { createHash, randomBytes } from 'node:crypto'

/** A Lua script and the name Redis knows it by. */
export interface RedisScript {
  readonly text: string
  readonly sha: string
}

/** Names a script. */
export function defineScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Sixteen characters that occur once: a script names with them what it may begin, a history or a part of one. */
export function nonce(): string {
  return randomBytes(8).toString('hex')
}
