import { RescindError } from 'rescind'
import { STORAGE_DEADLINE_MS, withDeadline } from './deadline.ts'

/**
 * Asks the database of accounts. Whatever goes wrong there becomes an answer that says to try again, with the failure as
 * its cause: a request has no part in it, and nothing of it is for a client's eyes.
 */
export async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(work(), STORAGE_DEADLINE_MS)
  } catch (error) {
    throw error instanceof RescindError ? error : databaseFailed(error)
  }
}

function databaseFailed(cause: unknown): RescindError {
  return new RescindError('overloaded', 'The database of accounts did not answer: try again.', { cause })
}

/** A failure as it may be written into a log: no parameters, no connection URL, no stack. */
export function describeFailure(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors[0])
  if (!(error instanceof Error)) return { message: 'unknown failure' }
  const { code } = error as { code?: unknown }
  const inner = error.cause instanceof Error ? `: ${describeFailure(error.cause).message}` : ''
  return { ...(typeof code === 'string' ? { code } : {}), message: error.message + inner }
}
