import { configError } from './errors.ts'

/** Checks a count or duration given by the program; `name` and `unit` make the message useful. */
export function boundedNumber(name: string, value: number, bounds: { min: number; max: number; unit: string }): number {
  if (!Number.isSafeInteger(value) || value < bounds.min || value > bounds.max) {
    throw configError(`${name} must be a whole number of ${bounds.unit} from ${bounds.min} to ${bounds.max}`)
  }
  return value
}
