/** The same hook, or none: one that throws must not break what reports through it. */
export function harmless<Told extends readonly unknown[]>(
  hook: ((...told: Told) => void) | undefined,
): (...told: Told) => void {
  return (...told) => {
    try {
      hook?.(...told)
    } catch {
      // There is nobody left to tell.
    }
  }
}
