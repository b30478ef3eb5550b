/** A TCP port on 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number>

/** The path of the first of these programs that is there to run, or `null`. The PATH is searched first. */
export function findBinary(names: string[], extraDirectories?: string[]): string | null

/** Installs Debian packages when this process may; answers whether they are installed now. */
export function installDebianPackages(packages: string[]): boolean
