import { randomUUID } from 'node:crypto'
import { createCluster } from 'redis'
import { redisStore } from 'rescind/stores/redis'
import { describeStore, eventually } from 'rescind/testing'
import { afterAll, describe, it } from 'vitest'
import { startRedis } from '../../../../tools/servers/redis.mjs'
import { freePort } from '../../../../tools/servers/shared.mjs'
import { connectTo } from './redis-helpers.ts'

// Two nodes with half of the slots each: a script that touched keys of two slots would sooner or later be refused.
const nodes = await Promise.all([startNode(), startNode()])
const admins = await Promise.all(nodes.map(({ server }) => connectTo(server.url)))
await admins[0]?.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '8191'])
await admins[1]?.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '8192', '16383'])
for (const { server, busPort } of nodes) {
  await admins[0]?.sendCommand(['CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(busPort)])
}
await eventually(async () => {
  const states = await Promise.all(admins.map((admin) => admin.clusterInfo()))
  return states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:2'))
}, 20_000)
for (const admin of admins) admin.destroy()
afterAll(() => Promise.all(nodes.map(({ server }) => server.dispose())))

async function startNode() {
  const busPort = await freePort()
  const config = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)]
  return { busPort, server: await startRedis({ config }) }
}

describeStore(
  { describe, it },
  {
    name: 'Redis cluster',
    async open() {
      const prefix = `test-${randomUUID()}`
      const clusters: { destroy(): unknown }[] = []
      const openCluster = async () => {
        const cluster = createCluster({ rootNodes: nodes.map(({ server }) => ({ url: server.url })) })
        cluster.on('error', () => {})
        await cluster.connect()
        clusters.push(cluster)
        return redisStore(cluster, { prefix })
      }
      return {
        store: await openCluster(),
        reopen: openCluster,
        async dispose() {
          for (const cluster of clusters) cluster.destroy()
        },
      }
    },
  },
)
