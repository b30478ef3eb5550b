import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventParser, type ServerSentEvent } from '../../src/stores/http/sse-parser.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** Parses bytes that come in pieces which end at these places. */
function parseInPieces(bytes: Uint8Array, ends: readonly number[], maxLength = 10_000): ServerSentEvent[] {
  const parser = createEventParser(maxLength)
  const places = [...new Set([0, ...ends.map((end) => end % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  return places.slice(1).flatMap((end, at) => parser.push(bytes.subarray(places[at], end)))
}

const parse = (text: string) => parseInPieces(bytesOf(text), [])
const oneLine = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, ' '))
const cuts = fc.array(fc.nat(), { maxLength: 40 })

interface Block {
  readonly event: string
  readonly id: string | undefined
  readonly data: readonly string[]
  readonly comment: string
}

const block: fc.Arbitrary<Block> = fc.record({
  event: oneLine.filter((name) => name !== ''),
  id: fc.option(
    oneLine.map((id) => id.replaceAll('\0', '')),
    { nil: undefined },
  ),
  data: fc.array(oneLine, { maxLength: 3 }),
  comment: oneLine,
})

function write({ event, id, data, comment }: Block, end: string): string {
  const lines = [`:${comment}`, `event: ${event}`, ...(id === undefined ? [] : [`id: ${id}`])]
  return [...lines, ...data.map((line) => `data: ${line}`), 'retry: 10', '', ''].join(end)
}

describe('the parser of server-sent events', () => {
  it('reads what was written, wherever the bytes are cut, with any line end', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 6 }), fc.constantFrom('\n', '\r', '\r\n'), cuts, (blocks, end, ends) => {
        const text = blocks.map((each) => write(each, end)).join('')
        const expected = blocks
          .filter(({ data }) => data.length > 0)
          .map(({ event, id, data }) => ({ event, id, data: data.join('\n') }))
        expect(parseInPieces(bytesOf(text), ends)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('reads any text the same in pieces as at once', () => {
    const noise = fc
      .array(fc.constantFrom('\r', '\n', ':', ' ', 'data', 'id', 'event', 'x', '\0', 'é', '🙂', '\uFEFF'), {
        maxLength: 60,
      })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(noise, cuts, (text, ends) => {
        const bytes = bytesOf(text)
        expect(parseInPieces(bytes, ends)).toEqual(parse(text))
        expect(parseInPieces(bytes, [...bytes.keys()])).toEqual(parse(text))
      }),
      { numRuns: 1_000 },
    )
  })

  it('follows the standard where it is odd', () => {
    const message = (data: string) => ({ event: 'message', data, id: undefined })
    expect(parse('data\n\ndata\ndata\n\ndata:')).toEqual([message(''), message('\n')])
    expect(parse('data:test\n\ndata: test\n\ndata:  test\n\n')).toEqual(['test', 'test', ' test'].map(message))
    expect(parse('\uFEFFdata: after a mark\n\n')).toEqual([message('after a mark')])
    expect(parse('id: 1\nevent: lost with its block\n\ndata: x\n\n')).toEqual([message('x')])
    expect(parse('id: a\0b\ndata: x\n\n')).toEqual([message('x')])
    expect(parse('Data: x\nnonsense\n\n')).toEqual([])
  })

  it('delivers no event that the stream breaks off in', () => {
    expect(parse('data: whole\n\ndata: torn\n')).toHaveLength(1)
    expect(parse('data: whole\n\ndata: torn')).toHaveLength(1)
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseInPieces(Uint8Array.of(0x64, 0xff, 0x0a), [])).toThrow(TypeError)
  })

  it('holds no more than the longest event', () => {
    const limited = (text: string, ends: readonly number[] = []) => parseInPieces(bytesOf(text), ends, 20)
    expect(limited(`data: ${'x'.repeat(14)}\n\n`.repeat(50))).toHaveLength(50)
    expect(() => limited(`data: ${'x'.repeat(15)}\n\n`)).toThrow(/more than 20 characters/)
    expect(() => limited('x'.repeat(21), [3, 6, 9])).toThrow(/more than 20 characters/)
    expect(() => limited('data: x\n'.repeat(3))).toThrow(/more than 20 characters/)
    expect(() => limited(`:${'x'.repeat(30)}`)).toThrow(/more than 20 characters/)
  })
})
