export { type AppOptions, createApp } from './app.ts'
export type { LogTarget } from './logging.ts'
export type { UserRecord, Users } from './repositories/users.ts'
export type { Passwords } from './services/passwords.ts'
