import { RescindError } from 'rescind'

/** A login that failed. It is answered alike whoever was meant; the log is told whose account it was. */
export class WrongCredentialsError extends RescindError {
  /** `undefined` where there is no such account. */
  readonly userId: string | undefined

  constructor(message: string, userId: string | undefined) {
    super('invalid_credentials', message)
    this.userId = userId
  }
}
