/**
 * How many passwords to hash at once. A hash holds a core for tens of milliseconds, and a thread of libuv's pool: one
 * core is left to the event loop, which answers everybody else, and one thread to files and DNS.
 */
export function hashesAtOnce(machine: { readonly cores: number; readonly poolThreads: number }): number {
  return Math.max(1, Math.min(machine.cores, machine.poolThreads) - 1)
}
