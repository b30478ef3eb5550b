import type { FastifyInstance } from 'fastify'
import { RescindError } from 'rescind'

/** The fields of a form, each of which came once and was not empty. */
export type Form = Readonly<Record<string, string>>

const MAX_FIELDS = 16

/**
 * Takes forms (`application/x-www-form-urlencoded`) and nothing else. A field that comes twice is refused (RFC 6749 §3.2):
 * whoever stands before the service might go by the other one. An empty field counts as left out.
 */
export function acceptOnlyForms(app: FastifyInstance, maxBytes: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: maxBytes },
    (_request, body, done) => {
      try {
        done(null, parseForm(String(body)))
      } catch (error) {
        done(error as Error)
      }
    },
  )
}

function parseForm(text: string): Form {
  const form: Record<string, string> = Object.create(null)
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1
    if (count > MAX_FIELDS) throw new RescindError('invalid_request', `A form may have up to ${MAX_FIELDS} fields.`)
    if (name in form) throw new RescindError('invalid_request', 'A field of the form comes twice.')
    form[name] = value
  }
  return Object.freeze(Object.fromEntries(Object.entries(form).filter(([, value]) => value !== '')))
}
