import { describe, expect, it } from 'vitest'
import { createReport } from '../src/report.mjs'

function reportOf({ quick }) {
  const lines = []
  return { lines, report: createReport('verify', { quick, print: (line) => lines.push(line) }) }
}

function verdictOf(figure, { quick = false } = {}) {
  const { report } = reportOf({ quick })
  report.figure('HS256', 'warm / cached', figure)
  return report.findings.figures[0].verdict
}

describe('the report of a benchmark', () => {
  it('says of a figure whether it keeps its bound', () => {
    expect(verdictOf({ value: 0.35, most: 0.35 })).toBe('met')
    expect(verdictOf({ value: 0.36, most: 0.35 })).toBe('MISSED')
    expect(verdictOf({ value: 15, least: 15 })).toBe('met')
    expect(verdictOf({ value: 14.9, least: 15 })).toBe('MISSED')
    expect(verdictOf({ value: 3 })).toBe('none')
  })

  it('lets a quick run pass what is not worse than twice its bound', () => {
    expect(verdictOf({ value: 0.7, most: 0.35 }, { quick: true })).toBe('near')
    expect(verdictOf({ value: 0.71, most: 0.35 }, { quick: true })).toBe('MISSED')
    expect(verdictOf({ value: 7.5, least: 15 }, { quick: true })).toBe('near')
    expect(verdictOf({ value: 7.4, least: 15 }, { quick: true })).toBe('MISSED')
    expect(verdictOf({ value: 1, most: 0 }, { quick: true })).toBe('MISSED')
  })

  it('takes what is no number for a miss', () => {
    expect(verdictOf({ value: Number.NaN, most: 2 }, { quick: true })).toBe('MISSED')
    expect(verdictOf({ value: undefined, least: 2 })).toBe('MISSED')
  })

  it('prints each figure with its bound, and what was not run with the reason', () => {
    const { lines, report } = reportOf({ quick: false })
    report.figure('HS256', 'warm / cached', { value: 0.3456, most: 0.35, note: '1,000,000 live revocations' })
    report.figure('ledger', 'replay', { value: 2_345.6, most: 2_000, unit: 'ms' })
    report.notRun('Flask', 'gunicorn is not installed')
    expect(lines).toEqual([
      'met     verify: HS256: warm / cached: 0.346; at most 0.35 (1,000,000 live revocations)',
      'MISSED  verify: ledger: replay: 2,346 ms; at most 2000',
      'not run verify: Flask: gunicorn is not installed',
    ])
  })

  it('puts the contenders of a group together, however often it is measured', () => {
    const { report } = reportOf({ quick: false })
    report.measured('propagation', 'ms', { file: 11 })
    report.measured('propagation', 'ms', { Redis: 0.2 })
    expect(report.findings.measured).toEqual([{ group: 'propagation', unit: 'ms', values: { file: 11, Redis: 0.2 } }])
  })
})
