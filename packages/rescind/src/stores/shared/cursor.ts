/** Where a newest-first listing of sessions goes on: after the session with this time and id. */
export interface SessionCursor {
  readonly createdAtMs: number
  readonly sid: string
}

/** Writes a cursor as text for the caller to hand back. */
export function writeCursor(cursor: SessionCursor): string {
  return `${cursor.createdAtMs}:${cursor.sid}`
}

/** Reads a cursor; anything that is not one starts the listing at the top. */
export function readCursor(text: string | undefined): SessionCursor {
  const [, time, sid] = /^(\d{1,16}):(.{0,512})$/s.exec(text ?? '') ?? []
  return time === undefined || sid === undefined
    ? { createdAtMs: Number.MAX_SAFE_INTEGER, sid: '' }
    : { createdAtMs: Number(time), sid }
}
