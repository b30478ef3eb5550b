/** A stored hash of which the form and the cost are known to be good. */
export interface ReadHash {
  matches(password: string): Promise<boolean>
}
