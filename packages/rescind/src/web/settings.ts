import { configError } from '../base/errors.ts'

/** Options with every default filled in. */
export type Filled<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> }

/** The characters of a `token` (RFC 9110 §5.6.2): names of headers, methods, authentication schemes and cookies. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/

/** Checks a name that goes into a header. Throws `invalid_config`, naming the option. */
export function checkedName(option: string, value: unknown): string {
  if (typeof value === 'string' && NAME.test(value)) return value
  throw configError(`${option} must be one or more letters, digits and characters of !#$%&'*+-.^_\`|~`)
}

/** Checks a name of any characters. Throws `invalid_config`, naming the option. */
export function checkedText(option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw configError(`${option} must be a string that is not empty`)
}

/** Takes no other value for a boolean: a `'false'` out of the environment would mean true. */
export function checkedBoolean(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw configError(`${option} must be true or false`)
}

/** Checks a value against all that are allowed. Throws `invalid_config`, naming the option. */
export function checkedChoice<T extends string>(option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value
  throw configError(`${option} must be one of ${allowed.map((choice) => `'${choice}'`).join(', ')}`)
}
