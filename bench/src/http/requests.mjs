/**
 * Requests that are sent in turn, over and over, by whoever asks for the next one. They lie one after the other in one
 * buffer, so that there can be hundreds of thousands, and sending one takes no work.
 */
export function createRequests(headerLines) {
  const texts = headerLines.map((line) => `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${line}\r\n\r\n`)
  const bytes = Buffer.from(texts.join(''), 'latin1')
  const ends = new Uint32Array(texts.length)
  let end = 0
  for (const [n, { length }] of texts.entries()) {
    end += length
    ends[n] = end
  }
  let at = 0
  let start = 0
  return {
    next() {
      const request = bytes.subarray(start, ends[at])
      start = ends[at]
      at += 1
      if (at === ends.length) at = start = 0
      return request
    },
  }
}
