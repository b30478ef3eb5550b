import { describe, expect, it } from 'vitest'
import { createClosers, openingAll } from '../src/closers.ts'

describe('what was opened', () => {
  it('is closed the other way round, one after the other', async () => {
    const steps: string[] = []
    const closers = createClosers(() => {})
    for (const name of ['first', 'second', 'third']) {
      closers.add(name, async () => {
        steps.push(`${name} closes`)
        await Promise.resolve()
        steps.push(`${name} is closed`)
      })
    }
    await closers.close()
    const order = ['third', 'second', 'first'].flatMap((name) => [`${name} closes`, `${name} is closed`])
    expect(steps).toEqual(order)
  })

  it('is closed also after something that fails; each failure is told, and the first rejects', async () => {
    const closed: string[] = []
    const warnings: string[] = []
    const closers = createClosers((message) => warnings.push(message))
    closers.add('the last', () => void closed.push('the last'))
    closers.add('the rude', () => {
      throw new Error('never')
    })
    closers.add('the late', () => Promise.reject(new Error('not now', { cause: new Error('busy') })))
    await expect(closers.close()).rejects.toThrow('not now')
    expect(closed).toEqual(['the last'])
    expect(warnings).toEqual(['the late could not be closed: not now: busy', 'the rude could not be closed: never'])
  })

  it('is closed once, however often that is asked, and every asker waits for the end', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let times = 0
    const closers = createClosers(() => {})
    closers.add('the slow', async () => {
      times += 1
      await held
    })
    const first = closers.close()
    let isOver = false
    const second = closers.close().then(() => {
      isOver = true
    })
    await Promise.resolve()
    expect(isOver).toBe(false)
    release()
    await Promise.all([first, second])
    expect(times).toBe(1)
  })

  it('is closed before a failure to open the rest is told, which stays the reason', async () => {
    const warnings: string[] = []
    const closed: string[] = []
    const opened = openingAll(
      (message) => warnings.push(message),
      async (closers) => {
        closers.add('the first', () => void closed.push('the first'))
        closers.add('the second', () => Promise.reject(new Error('stuck')))
        throw new Error('the third cannot be opened')
      },
    )
    await expect(opened).rejects.toThrow('the third cannot be opened')
    expect(closed).toEqual(['the first'])
    expect(warnings).toEqual(['the second could not be closed: stuck'])
  })

  it('tells once of a failure within what closes several things, by the name it has there', async () => {
    const warnings: string[] = []
    const onWarning = (message: string) => void warnings.push(message)
    const [inner, outer] = [createClosers(onWarning), createClosers(onWarning)]
    let isClosed = false
    outer.add('the first', () => {
      isClosed = true
    })
    outer.include(inner.close)
    inner.add('the connection', () => Promise.reject(new Error('stuck')))
    await expect(outer.close()).rejects.toThrow('stuck')
    expect(isClosed).toBe(true)
    expect(warnings).toEqual(['the connection could not be closed: stuck'])
  })

  it('stays open where all of it could be opened', async () => {
    let isClosed = false
    const close = await openingAll(
      () => {},
      async (closers) => {
        closers.add('it', () => {
          isClosed = true
        })
        return closers.close
      },
    )
    expect(isClosed).toBe(false)
    await close()
    expect(isClosed).toBe(true)
  })
})
