import type { Journal } from './journal.ts'
import type { Verdict } from './model.ts'
import type { Violation } from './violations.ts'

const SHOWN = 20

/** What a run came to, in lines for people. */
export function reportOf({ facts, acts, faults }: Journal, { violations, checked, latestAcceptMs }: Verdict): string {
  const counts = tally(acts.map(({ act }) => act))
  const broken = tally(faults.map(({ what }) => what))
  return [
    `seed ${facts.seed}, ${facts.users} users, ${facts.seconds} s${facts.sabotage === null ? '' : `, sabotage ${facts.sabotage}`}`,
    `${acts.length} acts: ${counts}`,
    `${faults.length} faults: ${broken}`,
    `${checked.deadTokens} acts with a dead token, ${checked.liveTokens} with a live one`,
    `${checked.logins} logins, ${checked.oldPasswords} of them with a password that was replaced`,
    `${checked.sharedRefreshes} refreshes of a token that others exchanged too, ${checked.thefts} thefts`,
    `${checked.unavailable} answers of 503 and ${checked.unanswered} requests without an answer, while something was broken`,
    `latest accept after an acknowledged end: ${Math.round(latestAcceptMs)} ms, of ${Math.max(...Object.values(facts.allowanceMs))} ms`,
    `${violations.length} violations${violations.length === 0 ? '' : `: ${tally(violations.map(({ fault }) => fault))}`}`,
    ...violations.slice(0, SHOWN).map(describe),
    ...(violations.length > SHOWN ? [`and ${violations.length - SHOWN} more`] : []),
  ].join('\n')
}

function describe({ fault, act, against }: Violation): string {
  const of = ({ id, act: name, node, startMs, endMs, status, code }: Violation['act']) =>
    `act ${id}, ${name} at node ${node} from ${startMs.toFixed(0)} to ${endMs.toFixed(0)} ms: ${status ?? 'no answer'}${code === null ? '' : ` ${code}`}`
  return `  ${fault}: user ${act.user}, ${of(act)}${against === null ? '' : `\n    against ${of(against)}`}`
}

function tally(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ')
}
