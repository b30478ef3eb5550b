import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore } from 'rescind/stores/file'
import { describeStore } from 'rescind/testing'
import { describe, it } from 'vitest'

describeStore(
  { describe, it },
  {
    name: 'file',
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'rescind-'))
      const openLog = () => fileStore(join(folder, 'data', 'log'))
      const store = openLog()
      return {
        store,
        reopen: async () => openLog(),
        async dispose() {
          await store.close()
          await rm(folder, { recursive: true })
        },
      }
    },
  },
)
