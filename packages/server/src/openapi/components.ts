import { z } from 'zod'
import type { Json } from './json.ts'
import { problemSchema } from './resource-schemas.ts'

/** Turns zod schemas into JSON schemas, and gathers those that have a name. */
export interface SchemaCollector {
  /** As a caller writes it. */
  input(schema: z.ZodType): Json
  /** As the service answers it. */
  output(schema: z.ZodType): Json
  problem(): Json
  readonly named: ReadonlyMap<string, Json>
}

/** A collector that has gathered nothing. */
export function schemaCollector(): SchemaCollector {
  const named = new Map<string, Json>()
  const convert = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    // Wrapped, so that a schema with a name of its own becomes a reference like any other.
    const { properties, $defs = {} } = z.toJSONSchema(z.object({ it: schema }), { io })
    for (const [name, definition] of Object.entries($defs)) named.set(name, pointed(definition))
    return pointed(properties?.it)
  }
  return {
    input: (schema) => convert(schema, 'input'),
    output: (schema) => convert(schema, 'output'),
    problem: () => convert(problemSchema, 'output'),
    named,
  }
}

/** The `components` of a document whose schemas were gathered. */
export function components({ named }: SchemaCollector): Json {
  return { schemas: Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** With every reference pointing to where OpenAPI keeps shared schemas, and without the name it is kept by. */
function pointed(schema: unknown): Json {
  const { id: _name, ...rest } = schema as Json
  return JSON.parse(JSON.stringify(rest).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json
}
