import type { z } from 'zod'
import { pageQuery, reasonQuery, usersQuery } from '../bodies/admin.ts'
import type { Parameter } from './operation.ts'

/** Of every listing. */
export const pageParameters = parametersOf(pageQuery)

/** Of the list of accounts. */
export const usersParameters = parametersOf(usersQuery)

/** Of what is deleted, which takes no body. */
export const reasonParameters = parametersOf(reasonQuery)

/** The parameters that a query is validated with. */
function parametersOf(query: z.ZodObject): readonly Parameter[] {
  return Object.entries(query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    description: (schema as z.ZodType).meta()?.description ?? 'Why; it is kept in the audit log',
    schema: schema as z.ZodType,
  }))
}
