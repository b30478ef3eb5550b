import { z } from 'zod'

/** How long each unit is that a setting may name. */
export const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

/** A setting like `90s` or `15m`, between two bounds; it becomes milliseconds. */
export function duration(minMs: number, maxMs: number) {
  return z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/)
    .transform((text) => Number.parseInt(text, 10) * (MS_PER_UNIT[text.replace(/^\d+/, '')] ?? Number.NaN))
    .refine((ms) => ms >= minMs && ms <= maxMs)
}
