// Breaks the service on purpose, so that a run can show that it would have been noticed.
import { register } from 'node:module'

register('./change-source.mjs', import.meta.url, { data: process.env.FIRE_SABOTAGE })
