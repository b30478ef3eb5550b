import Bowser from 'bowser'

const KNOWN_BROWSERS: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP))
/** The first product of a program's user agent, as in `curl/8.14.1`. */
const PRODUCT = /^([A-Za-z][\w.-]{0,31})\//

/**
 * What a user agent gives itself out for, so that people recognise their devices: `Firefox on Windows`, `Safari on
 * iPhone`, `curl`. `null` where that cannot be told. Nothing may depend on it: anybody can send any user agent.
 */
export function deviceName(userAgent: string | null): string | null {
  if (userAgent === null || userAgent === '') return null
  const { browser, os, platform } = Bowser.parse(userAgent)
  const where = platform.model ?? os.name
  if (browser.name === undefined || !KNOWN_BROWSERS.has(browser.name)) return PRODUCT.exec(userAgent)?.[1] ?? null
  return where === undefined ? browser.name : `${browser.name} on ${where}`
}
