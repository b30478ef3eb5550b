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
  const put = (request: Carrier, value: T) => {
    request[key] = value
  }
  return slotOver(put, (request: Carrier) => request[key])
}

/**
 * Makes a slot for the requests of Express, beside them. It gives each one another prototype, after which V8 makes a
 * hidden class of its own for each property that one request gets: 2.3 µs (measured), against 0.5 for an entry here.
 */
export function createSideSlot<T>(): Slot<T> {
  const values = new WeakMap<object, T>()
  const put = (request: object, value: T) => {
    values.set(request, value)
  }
  return slotOver(put, (request) => values.get(request))
}

function slotOver<T>(put: Slot<T>['put'], peek: Slot<T>['peek']): Slot<T> {
  return {
    put,
    peek,
    read(request) {
      const value = peek(request)
      if (value === undefined) throw configError('this route is not behind the guard that it asks for the principal')
      return value
    },
  }
}
