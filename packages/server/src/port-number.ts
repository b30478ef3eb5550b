import { z } from 'zod'

/** A TCP port as text; 0 is any free one. */
export const portNumber = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((port) => port <= 65_535)
