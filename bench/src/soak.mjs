import { soakService } from './soak/soak-service.mjs'

/** The service under minutes of mixed load, with tokens that expire all the while. */
export const soak = {
  about: 'memory of the service over minutes of load: SOAK_MINUTES, 10 by default',
  async run({ quick, report }) {
    if (quick) return report.notRun('memory over minutes of load', 'it takes minutes')
    await soakService({ minutes: minutesAsked(), report })
  },
}

function minutesAsked() {
  const text = process.env.SOAK_MINUTES ?? '10'
  const minutes = Number(text)
  if (minutes >= 1 && minutes <= 24 * 60) return minutes
  throw new Error(`SOAK_MINUTES holds ${text}; it may hold a number of minutes from 1 to 1440`)
}
