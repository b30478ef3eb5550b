import { eventually } from 'rescind/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { outcome, verdict } from '../session/helpers.ts'
import { disposeServers, fleetOn, sharedBackends } from '../support/backends.ts'

afterAll(disposeServers)

// What the library promises to those who use it, on every store, with three nodes that share it.
describe.each(Object.entries(sharedBackends))('over %s', (_name, openBackend) => {
  // On a machine that is busy, an answer that is late is late, and neither lost nor a theft.
  const openFleet = async (size = 3, options = {}) =>
    fleetOn(await openBackend(), size, { askTimeoutMs: 10_000, ...options })

  // The counts of the next three are those of A16 to A18, shared by the four stores.
  it('one winner: a refresh token used 50 times at once on three nodes has one successor', async () => {
    const { nodes } = await openFleet()
    for (let burst = 0; burst < 250; burst += 1) {
      const { refreshToken } = await at(nodes, burst).issue({ sub: `user-${burst}` })
      const pairs = await Promise.all(Array.from({ length: 50 }, (_, n) => at(nodes, n).refresh(refreshToken)))
      expect(new Set(pairs.map((pair) => pair.refreshToken)).size).toBe(1)
    }
  }, 60_000)

  it('no false theft alarms: honest tabs refresh in parallel, generation after generation', async () => {
    const { nodes } = await openFleet()
    await Promise.all(
      Array.from({ length: 250 }, async (_, user) => {
        let { refreshToken } = await at(nodes, user).issue({ sub: `user-${user}` })
        for (let generation = 0; generation < 5; generation += 1) {
          const tabs = await Promise.all(Array.from({ length: 4 }, (_, n) => at(nodes, n).refresh(refreshToken)))
          refreshToken = tabs[generation % tabs.length]?.refreshToken ?? ''
        }
      }),
    )
  }, 60_000)

  it('a refresh token replayed after its successor was used ends the session, whoever replays it', async () => {
    const { nodes } = await openFleet()
    await Promise.all(
      Array.from({ length: 125 }, async (_, n) => {
        const first = await at(nodes, n).issue({ sub: `user-${n}` })
        const second = await at(nodes, n + 1).refresh(first.refreshToken)
        const third = await at(nodes, n).refresh(second.refreshToken)
        expect(await outcome(at(nodes, n + 2).refresh(first.refreshToken))).toBe('refresh_token_reused')
        expect(await outcome(at(nodes, n).refresh(third.refreshToken))).toBe('token_revoked')
        await eventually(async () => (await verdict(at(nodes, n), third.accessToken)) === 'token_revoked')
      }),
    )
  }, 60_000)

  it('50 revocations of one session at once are one, and all of them succeed', async () => {
    const { nodes } = await openFleet()
    const { sid, accessToken } = await at(nodes, 0).issue({ sub: 'alice' })
    await Promise.all(Array.from({ length: 50 }, (_, n) => at(nodes, n).revoke.session(sid)))
    for (const node of nodes) {
      expect(await verdict(node, accessToken)).toBe('token_revoked')
      await eventually(() => node.status().liveRecords === 1)
    }
  })

  it('log out everywhere leaves no survivor of 1,000 sessions and 50 refreshes under way', async () => {
    const { nodes } = await openFleet()
    const pairs = await Promise.all(Array.from({ length: 1_000 }, (_, n) => at(nodes, n).issue({ sub: 'alice' })))
    const bystander = await at(nodes, 0).issue({ sub: 'bob' })
    const racing = pairs.slice(0, 50).map((pair, n) =>
      at(nodes, n)
        .refresh(pair.refreshToken)
        .then(
          (refreshed) => [refreshed],
          () => [],
        ),
    )
    const ended = await at(nodes, 1).revoke.subject('alice')
    const refreshed = (await Promise.all(racing)).flat()
    expect(ended).toBe(1_000)
    const survivors: string[] = []
    for (const { accessToken, refreshToken } of [...pairs, ...refreshed]) {
      // Dead at once where it was revoked, and for refresh everywhere: the store decides.
      if ((await verdict(at(nodes, 1), accessToken)) !== 'token_revoked') survivors.push(accessToken)
      if ((await outcome(at(nodes, 2).refresh(refreshToken))) === 'ok') survivors.push(refreshToken)
    }
    expect(survivors).toEqual([])
    for (const node of nodes) {
      await eventually(async () => {
        const verdicts = await Promise.all([...pairs, ...refreshed].map((pair) => verdict(node, pair.accessToken)))
        return verdicts.every((each) => each === 'token_revoked')
      })
      expect(await verdict(node, bystander.accessToken)).toBe('ok')
    }
  }, 60_000)

  it('a node that starts later, and one that starts again, refuse what was revoked before', async () => {
    const fleet = await openFleet(2)
    const pairs = await Promise.all(Array.from({ length: 200 }, (_, n) => at(fleet.nodes, n).issue({ sub: `u${n}` })))
    await Promise.all(pairs.map((pair, n) => at(fleet.nodes, n).revoke.session(pair.sid)))
    const late = await fleet.add()
    const again = await fleet.restart(0)
    for (const node of [late, again]) {
      for (const { accessToken } of pairs) expect(await verdict(node, accessToken)).toBe('token_revoked')
      expect(node.status()).toMatchObject({ state: 'live', liveRecords: 200 })
    }
  })

  it('8 writers of 1,000 revocations each: nodes that join at any moment end with the identical set', async () => {
    const fleet = await openFleet(3)
    const joining: Promise<unknown>[] = []
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 1_000; n += 50) {
          const node = at(fleet.nodes, writer)
          await Promise.all(Array.from({ length: 50 }, (_, m) => node.revoke.token({ jti: `w${writer}-${n + m}` })))
          if (n === 100 * writer) joining.push(fleet.add())
        }
      }),
    )
    await Promise.all(joining)
    expect(fleet.nodes).toHaveLength(11)
    for (const node of fleet.nodes) await eventually(() => node.status().liveRecords === 8_000)
    // As many records as were written: none twice, and none that another one pushed out.
    const positions = async () => new Set(fleet.nodes.map((node) => node.status().position))
    await eventually(async () => (await positions()).size === 1)
  }, 60_000)

  it('a record is kept whole, and explained at a node that did not make it', async () => {
    const { nodes } = await openFleet(2)
    const { sid, accessToken } = await at(nodes, 0).issue({ sub: 'alice' })
    await at(nodes, 0).revoke.session(sid, { by: 'admin', reason: 'a stolen laptop, "quoted", 日本' })
    expect(await at(nodes, 1).explain(accessToken)).toMatchObject({
      verdict: 'revoked',
      revocation: { kind: 'session', id: sid, by: 'admin', reason: 'a stolen laptop, "quoted", 日本' },
    })
  })
})

function at<T>(nodes: readonly T[], n: number): T {
  return nodes[n % nodes.length] as T
}
