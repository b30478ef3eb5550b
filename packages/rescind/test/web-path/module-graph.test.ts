import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What Node has and a Worker or a browser has not. `globalThis.process?.env` is no mention of it: that asks first. */
const NODE_GLOBALS = new Set([
  'Buffer',
  'process',
  'global',
  'require',
  'module',
  '__dirname',
  '__filename',
  'setImmediate',
  'clearImmediate',
])

interface Module {
  readonly imports: readonly string[]
  readonly nodeGlobals: readonly string[]
}

/** Reads one source without what only its types need. */
function readModule(path: string): Module {
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  })
  const source = ts.createSourceFile(path, outputText, ts.ScriptTarget.ES2023, true)
  const nodeGlobals: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && NODE_GLOBALS.has(node.text) && !isMember(node)) nodeGlobals.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { imports: ts.preProcessFile(outputText).importedFiles.map(({ fileName }) => fileName), nodeGlobals }
}

function isMember(node: ts.Identifier): boolean {
  const { parent } = node
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  )
}

/** All modules that the entries reach under these conditions, by their path in the package; what is imported from outside stays a name. */
function graphOf(entries: readonly string[], condition: 'node' | 'default'): Map<string, Module> {
  const found = new Map<string, Module>()
  const open = entries.map((entry) => join(root, 'src', entry))
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const name = relative(root, path)
    if (found.has(name)) continue
    const module = readModule(path)
    found.set(name, module)
    for (const specifier of module.imports) {
      if (specifier.startsWith('.')) open.push(resolve(dirname(path), specifier))
      else if (specifier in imports) open.push(join(root, imports[specifier][condition].source))
    }
  }
  return found
}

const CORE = ['index.ts', 'wire.ts', 'adapters/hono.ts', 'stores/memory.ts', 'stores/http.ts']

const outside = (graph: Map<string, Module>) =>
  [...graph].flatMap(([name, module]) =>
    module.imports
      .filter((specifier) => !specifier.startsWith('.') && !(specifier in imports))
      .map((specifier) => `${name}: ${specifier}`),
  )

it('nothing that the core imports leads out of the package, where WebCrypto is', () => {
  const graph = graphOf(CORE, 'default')
  expect(outside(graph)).toEqual([])
  expect(graph.has('src/crypto/web.ts')).toBe(true)
  expect(graph.size).toBeGreaterThan(60)
  for (const name of graph.keys()) expect(existsSync(join(root, name))).toBe(true)
})

it('nor does it name what Node alone has', () => {
  const named = [...graphOf(CORE, 'default')].filter(([, { nodeGlobals }]) => nodeGlobals.length > 0)
  expect(named).toEqual([])
})

it('on Node it imports node:crypto, in the files for that, and nothing else', () => {
  expect(outside(graphOf(CORE, 'node'))).toEqual([
    'src/crypto/node.ts: node:crypto',
    'src/crypto/node-hmac.ts: node:crypto',
  ])
})

it('finds what it looks for, where it is', () => {
  const graph = graphOf(['stores/file.ts'], 'default')
  expect(outside(graph)).toContain('src/stores/file/frame.ts: node:zlib')
  expect(graph.get('src/stores/file/frame.ts')?.nodeGlobals).toContain('Buffer')
})
