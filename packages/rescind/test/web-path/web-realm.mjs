// Runs a program where there is nothing but web standards: `node --experimental-vm-modules web-realm.mjs <program>`.
// Its global object holds none of Node's own, its modules are resolved as for a Worker, and `node:` leads nowhere.

import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createContext, SourceTextModule } from 'node:vm'
import ts from 'typescript'

const CONDITIONS = ['source', 'worker', 'import', 'default']
const STANDARD = [
  ...[
    'AbortController',
    'AbortSignal',
    'Blob',
    'console',
    'crypto',
    'Event',
    'EventTarget',
    'fetch',
    'File',
    'FormData',
  ],
  ...[
    'Headers',
    'performance',
    'queueMicrotask',
    'ReadableStream',
    'Request',
    'Response',
    'TextDecoder',
    'TextEncoder',
  ],
  ...['clearInterval', 'clearTimeout', 'URL', 'URLSearchParams'],
]

const library = join(import.meta.dirname, '../..')
const installed = join(library, '../../node_modules')
const standard = STANDARD.map((name) => [name, globalThis[name]])
// Timers are numbers elsewhere: they cannot be told to let the process end.
const timers = ['setTimeout', 'setInterval'].map((name) => [
  name,
  (...args) => globalThis[name](...args)[Symbol.toPrimitive](),
])
const context = createContext(Object.fromEntries([...standard, ...timers]))

const modules = new Map()

function load(path) {
  const loaded = modules.get(path)
  if (loaded !== undefined) return loaded
  const compilerOptions = { target: 'ES2023', module: 'ESNext', verbatimModuleSyntax: true }
  const text = readFileSync(path, 'utf8')
  const code = path.endsWith('.ts') ? ts.transpileModule(text, { compilerOptions }).outputText : text
  const module = new SourceTextModule(code, { identifier: path, context, importModuleDynamically: link })
  modules.set(path, module)
  return module
}

function link(specifier, { identifier }) {
  if (/^\.\.?\//.test(specifier)) return load(resolve(dirname(identifier), specifier))
  const [name, ...subpath] = specifier.split('/')
  const isInternal = specifier.startsWith('#')
  const folder = isInternal || name === 'rescind' ? library : join(installed, name)
  if (specifier.includes(':')) throw new Error(`${identifier} imports ${specifier}`)
  const { exports, imports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return load(join(folder, target(isInternal ? imports[specifier] : exports[['.', ...subpath].join('/')])))
}

/** What an entry of `exports` or `imports` leads to: the first of our conditions that it names, at every depth. */
function target(entry) {
  if (typeof entry === 'string') return entry
  const [, next] = Object.entries(entry).find(([condition]) => CONDITIONS.includes(condition)) ?? []
  return target(next)
}

const program = load(resolve(process.argv[2]))
await program.link(link)
await program.evaluate()
