// Nobody gives a request up sooner to ask again. Clocks of machines differ by less, and a wish that was not held up is
// judged by what it says alone.
const HELD_UP_MS = 500

/** Marks a wish that has waited for so long that others, who came later, may have gone ahead. */
export function heldUp<Wish extends { readonly heldUp?: boolean }>(wish: Wish, waitedMs: number): Wish {
  return waitedMs > HELD_UP_MS ? { ...wish, heldUp: true } : wish
}
