import { userInfo } from 'node:os'

/** Who is logged in at the machine, as the audit log names who did something at the command line. */
export function machineUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
