import { configError } from '../../base/errors.ts'

/** A place on requests for what one guard has to tell. */
export interface Slot<T> {
  put(request: object, value: T): void
  /** `undefined` where nothing was put. */
  peek(request: object): T | undefined
  /** Throws `invalid_config` where nothing was put: the route is not behind the guard. */
  read(request: object): T
}

/** Makes a slot. It is a property: a `WeakMap` with an entry for each request costs more than the check itself. */
export function createSlot<T>(): Slot<T> {
  const key: unique symbol = Symbol('rescind')
  type Carrier = object & { [key]?: T }
  const peek = (request: Carrier) => request[key]
  return {
    put(request: Carrier, value) {
      request[key] = value
    },
    peek,
    read(request) {
      const value = peek(request)
      if (value === undefined) throw configError('this route is not behind the guard that it asks for the principal')
      return value
    },
  }
}
