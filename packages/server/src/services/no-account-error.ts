import { RescindError } from 'rescind'

/** There is no account with this id or address. For those who may know: a login is never answered with it. */
export function noAccount(): RescindError {
  return new RescindError('not_found', 'There is no such account.')
}
