import { CommandFailure } from '../command.ts'
import { table } from '../table.ts'
import type { WayReport } from './examination.ts'
import { EXIT_NOT_CARRIED_OUT } from './node.ts'
import type { Finding } from './node-checks.ts'

/** All that an examination found. */
export interface DoctorReport {
  readonly maxStalenessMs: number
  readonly findings: readonly Finding[]
  readonly ways: readonly WayReport[]
}

/** The report for programs. */
export function reportValue({ maxStalenessMs, findings, ways }: DoctorReport) {
  return {
    max_staleness_ms: maxStalenessMs,
    checks: findings,
    replays: ways.flatMap(({ way, replays }) =>
      replays.map(({ kind, node, verdict, withinMs, resolutionMs, detail }) => ({
        way,
        token: kind,
        node,
        verdict,
        refused_within_ms: rounded(withinMs),
        resolution_ms: rounded(resolutionMs),
        detail,
      })),
    ),
    not_carried_out: ways.flatMap(({ way, notCarriedOut }) =>
      notCarriedOut === null ? [] : [{ way, detail: notCarriedOut }],
    ),
  }
}

/** The report for people. */
export function reportText(report: DoctorReport): string {
  const { checks, replays, not_carried_out } = reportValue(report)
  const sections = [
    table([
      ['NODE', 'CHECK', 'VERDICT', ''],
      ...checks.map(({ node, check, verdict, detail }) => [node, check, verdict, detail]),
    ]),
    table([
      ['REVOKED BY', 'TOKEN', 'NODE', 'VERDICT', 'WITHIN MS', 'MAYBE SOONER BY'],
      ...replays.map((row) => [
        row.way,
        row.token,
        row.node,
        row.verdict === 'refused' ? 'refused' : `${row.verdict.toUpperCase()} (${row.detail})`,
        row.refused_within_ms?.toString() ?? '-',
        row.resolution_ms?.toString() ?? '-',
      ]),
    ]),
    ...(not_carried_out.length === 0
      ? []
      : [table([['NOT CARRIED OUT', ''], ...not_carried_out.map(({ way, detail }) => [way, detail])])]),
  ]
  return sections.join('\n')
}

/** What an examination comes to where it is not well; `null` where it is. What still answers comes first. */
export function complaintOf({ maxStalenessMs, findings, ways }: DoctorReport): CommandFailure | null {
  const replays = ways.flatMap(({ way, replays }) => replays.map((replay) => ({ ...replay, way })))
  const accepted = replays.filter(({ verdict }) => verdict === 'accepted')
  const failed = findings.filter(({ verdict }) => verdict === 'failed')
  const unknown = replays.filter(({ verdict }) => verdict === 'unknown')
  const undone = ways.flatMap(({ way, notCarriedOut }) => (notCarriedOut === null ? [] : [`${way}: ${notCarriedOut}`]))
  const answering = accepted.map(
    ({ node, kind, way }) => `${node} still accepts the ${kind} token ${maxStalenessMs} ms after ${way}`,
  )
  const unwell = failed.map(({ node, check, detail }) => `${node} fails the check of its ${check} (${detail})`)
  const untold = unknown.map(
    ({ node, kind, way, detail }) => `${node} tells nothing of the ${kind} token after ${way} (${detail})`,
  )
  const told = summary([...answering, ...unwell, ...untold, ...undone])
  if (answering.length + unwell.length > 0) return new CommandFailure(told)
  return told === '' ? null : new CommandFailure(told, EXIT_NOT_CARRIED_OUT)
}

const MAX_TOLD = 8

function summary(complaints: readonly string[]): string {
  const more = complaints.length - MAX_TOLD
  return [...complaints.slice(0, MAX_TOLD), ...(more > 0 ? [`${more} more, see the report`] : [])].join('; ')
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10
}
