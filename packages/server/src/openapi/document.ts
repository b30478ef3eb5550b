import { components, schemaCollector } from './components.ts'
import type { Json } from './json.ts'
import { type Answer, type AuthKind, type Operation, type Parameter, tags } from './operation.ts'
import { errorsByStatus, type IsLimited } from './shared-errors.ts'

/** What the document is made of. */
export interface DocumentParts {
  readonly operations: readonly Operation[]
  readonly version: string
  /** Which operations are counted, and so answer 429. */
  readonly isLimited: IsLimited
}

// Names of security schemes. Each is an alternative, and the last three may also come as a cookie.
const requirements: Readonly<Record<AuthKind, readonly string[]>> = {
  access: ['accessToken', 'accessCookie'],
  fresh: ['accessToken', 'accessCookie'],
  refresh: ['refreshToken', 'refreshCookie'],
  service: ['serviceCredential'],
  client: ['clientCredentials'],
  admin: ['accessToken', 'accessCookie', 'clientCredentials'],
}

const securitySchemes = {
  accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token.' },
  refreshToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A refresh token.' },
  accessCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-access_token',
    description: 'Requests that change something also send X-CSRF-Token.',
  },
  refreshCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-refresh_token',
    description: 'Requests that change something also send X-CSRF-Token.',
  },
  serviceCredential: { type: 'http', scheme: 'bearer', description: 'A credential that was given to a service.' },
  clientCredentials: { type: 'http', scheme: 'basic', description: 'The id and the secret of a client.' },
} as const

/** The OpenAPI 3.1 document of these operations, out of the schemas that requests are validated with. */
export function openApiDocument({ operations, version, isLimited }: DocumentParts): Json {
  const schemas = schemaCollector()
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method]: describe(operation, schemas, isLimited) }
  }
  const used = new Set<string>(operations.map(({ tag }) => tag))
  return {
    openapi: '3.1.0',
    info: {
      title: 'rescind',
      version,
      summary: 'JWT sessions that can be taken back',
      description: 'Every error is a problem document (RFC 9457); programs test its `code`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: { ...components(schemas), securitySchemes },
  }
}

type Schemas = ReturnType<typeof schemaCollector>

function describe(operation: Operation, schemas: Schemas, isLimited: IsLimited): Json {
  const { id, tag, summary, description, auth, parameters, body } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: auth.flatMap((kind) => requirements[kind].map((scheme) => ({ [scheme]: [] }))),
    ...(parameters === undefined ? {} : { parameters: parameters.map((one) => parameterObject(one, schemas)) }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.optional !== true,
            content: { [body.mediaType ?? 'application/json']: { schema: schemas.input(body.schema) } },
          },
        }),
    responses: responses(operation, schemas, isLimited),
  }
}

function parameterObject(parameter: Parameter, schemas: Schemas): Json {
  const { name, in: place, required = false, description, schema } = parameter
  return { name, in: place, required: required || place === 'path', description, schema: schemas.input(schema) }
}

function responses(operation: Operation, schemas: Schemas, isLimited: IsLimited): Json {
  const answers: Record<string, Json> = {}
  for (const [status, answer] of Object.entries(operation.answers)) answers[status] = answerObject(answer, schemas)
  for (const [status, codes] of errorsByStatus(operation, isLimited)) {
    // An operation whose standard prescribes another form of error has told it in its answers.
    answers[status] ??= problemObject(status, codes, schemas)
  }
  return answers
}

function answerObject(
  { description, schema, mediaType = 'application/json', headers }: Answer,
  schemas: Schemas,
): Json {
  return {
    description,
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([name, told]) => [name, headerObject(told)])) }),
    ...(schema === undefined ? {} : { content: { [mediaType]: { schema: schemas.output(schema) } } }),
  }
}

function headerObject(description: string): Json {
  return { description, schema: { type: 'string' } }
}

function problemObject(status: number, codes: readonly string[], schemas: Schemas): Json {
  const schema = { allOf: [schemas.problem(), { properties: { code: { enum: codes } } }] }
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    ...(status === 429 || status === 503 ? { headers: { 'Retry-After': headerObject('Seconds to wait') } } : {}),
    content: { 'application/problem+json': { schema } },
  }
}
