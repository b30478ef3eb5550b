/** The part of a request that a guard reads. An adapter makes one from its framework's request. */
export interface RequestView {
  readonly method: string
  /** Path and query, as the client sent them. */
  readonly url: string
  /**
   * The value of a header, by its lower-case name. Give an array when the client sent the header more than once, even
   * where the framework would keep only one of them.
   */
  header(name: string): string | readonly string[] | undefined
  /**
   * The body, parsed by the framework for the route; `undefined` where it has not been read. A guard reads no body
   * itself. Left out by an adapter that has none to give.
   */
  body?(): unknown
}
