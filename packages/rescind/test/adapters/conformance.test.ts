import { describeAdapter } from 'rescind/testing'
import { describe, it } from 'vitest'
import { adaptersUnderTest } from './servers.ts'

for (const subject of adaptersUnderTest) describeAdapter({ describe, it }, subject)
