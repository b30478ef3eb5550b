// Runs packages/server/test/fire, which is TypeScript, by the module runner of Vite, which runs the tests as well.
import { runnerImport } from 'vite'

const conditions = ['source', 'node']
const { module } = await runnerImport('./packages/server/test/fire/main.ts', {
  configFile: false,
  logLevel: 'error',
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
})
process.exit(await module.main(process.argv.slice(2)))
