import { configError } from '../../base/errors.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Where a service is, and whether what is sent there can be read on the way. */
export interface ServiceAddress {
  /** The address without a slash at its end. */
  readonly base: string
  readonly inClear: boolean
}

/**
 * Checks the address of a service.
 *
 * @throws RescindError `invalid_config`, also where the token would travel in clear to another machine
 */
export function serviceAddress(given: string | URL, allowInsecure: boolean): ServiceAddress {
  const text = String(given)
  if (!URL.canParse(text)) throw configError('url must be an address like https://auth.example.com')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw configError('url must be http or https')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw configError('url may hold no user, password, query or fragment')
  }
  const inClear = url.protocol === 'http:' && !LOOPBACK.test(url.hostname)
  if (inClear && !allowInsecure) {
    throw configError('the token would travel in clear: use https, or say allowInsecure: true')
  }
  return { base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, inClear }
}
