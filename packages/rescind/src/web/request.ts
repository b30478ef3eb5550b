/** The part of a request that a guard reads. An adapter makes one from its framework's request. */
export interface RequestView {
  readonly method: string
  /**
   * The value of a header, by its lower-case name. Give an array when the client sent the header more than once, even
   * where the framework would keep only one of them.
   */
  header(name: string): string | readonly string[] | undefined
}
