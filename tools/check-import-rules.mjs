// Proves that the import rules bite: plants one violation of each in a copy of the tree and expects it to be reported.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { root } from './lib.mjs'

const lib = 'packages/rescind/src'
const server = 'packages/server/src'

/** `rule`: what must be reported of `file`; `null`: nothing may be. */
const plants = [
  plant('wire-imports-nothing', `${lib}/wire.ts`, "import type { Clock } from './base/clock.ts'"),
  plant('crypto-is-lowest', `${lib}/crypto/planted.ts`, "import type { Clock } from '../base/clock.ts'"),
  plant('base-on-crypto', `${lib}/base/planted.ts`, "import type { Store } from '../session/sessions.ts'"),
  plant('tokens-on-base', `${lib}/tokens/planted.ts`, "import type { Ledger } from '../revocation/ledger.ts'"),
  plant('revocation-on-base', `${lib}/revocation/planted.ts`, "import type { Planted } from '../web/planted-ok.ts'"),
  plant('web-on-base', `${lib}/web/planted.ts`, "import type { Ledger } from '../revocation/ledger.ts'"),
  plant('session-composes', `${lib}/session/planted.ts`, "import { planted } from '../stores/planted-ok.ts'"),
  plant('ports-know-ports', `${lib}/revocation/ledger.ts`, "import type { Planted } from './planted-ok.ts'"),
  plant('adapters-on-session', `${lib}/adapters/planted.ts`, "import { planted } from '../stores/planted-ok.ts'"),
  plant('adapters-on-session', `${lib}/adapters/planted-2.ts`, "import { planted } from './planted-ok.ts'"),
  plant('compat-on-session', `${lib}/compat/planted.ts`, "import { planted } from '../adapters/planted-ok.ts'"),
  plant('stores-on-ports', `${lib}/stores/planted.ts`, "import { planted } from './planted-ok.ts'"),
  plant('stores-on-ports', `${lib}/stores/planted-2.ts`, "import type { Planted } from '../web/planted-ok.ts'"),
  plant('testing-on-ports', `${lib}/testing/planted.ts`, "import { planted } from '../stores/planted-ok.ts'"),
  plant(
    'adapter-testing-on-session',
    `${lib}/testing/adapters/planted.ts`,
    "import { planted } from '../../adapters/planted-ok.ts'",
  ),
  plant('index-is-core', `${lib}/index.ts`, "import { planted } from './stores/planted-ok.ts'"),
  plant('core-without-node', `${lib}/tokens/planted-node.ts`, "import { createHash } from 'node:crypto'"),
  plant('core-without-node', `${lib}/adapters/hono.ts`, "import { Buffer } from 'node:buffer'"),
  plant('core-without-node', `${lib}/stores/shared/planted.ts`, "import { hostname } from 'node:os'"),
  plant('library-has-no-dependencies', `${lib}/base/planted-npm.ts`, "import { fastify } from 'fastify'"),
  plant('library-types-from-peers', `${lib}/base/planted-dev.ts`, "import type { test } from 'vitest'"),
  plant(
    'server-by-public-entries',
    `${server}/planted.ts`,
    "import type { Ledger } from '../../rescind/src/revocation/ledger.ts'",
  ),
  plant('server-without-testing', `${server}/planted-2.ts`, "import * as testing from 'rescind/testing'"),
  plant('no-unresolvable', `${server}/planted-3.ts`, "import * as inside from 'rescind/session/sessions'"),
  plant('source-stays-in-source', `${server}/planted-4.ts`, "import { planted } from '../../../tools/planted.mjs'"),
  plant('no-circular', `${lib}/base/planted-a.ts`, "import type { B } from './planted-b.ts'"),
  plant('no-orphans', `${lib}/base/planted-alone.ts`, ''),
  plant(null, `${lib}/crypto/planted-ok.ts`, "import type { JsonWebKey } from 'node:crypto'"),
  plant(null, `${lib}/tokens/planted-ok.ts`, "import { sha256 } from '#crypto'"),
  plant(null, `${lib}/web/planted-ok.ts`, "import type { TokenIds } from '../base/types.ts'"),
  plant(null, `${lib}/revocation/planted-ok.ts`, "import type { Ledger } from './ledger.ts'"),
  plant(null, `${lib}/session/planted-ok.ts`, "import type { Planted } from '../web/planted-ok.ts'"),
  plant(null, `${lib}/adapters/planted-ok.ts`, "import type { FastifyInstance } from 'fastify'"),
  plant(null, `${lib}/adapters/planted-ok-2.ts`, "import type { Planted } from './shared/planted-ok.ts'"),
  plant(null, `${lib}/adapters/shared/planted-ok.ts`, "import type { Store } from '../../session/sessions.ts'"),
  plant(null, `${lib}/stores/planted-ok.ts`, "import { open } from 'node:fs/promises'"),
  plant(null, `${lib}/stores/planted-ok-2.ts`, "import type { Ledger } from '../revocation/ledger.ts'"),
  plant(null, `${lib}/testing/adapters/planted-ok.ts`, "import type { Store } from '../../session/sessions.ts'"),
  plant(null, `${lib}/testing/planted-ok.ts`, "import type { Store } from '../session/sessions.ts'"),
  plant(null, `${server}/planted-ok.ts`, "import type { Problem } from 'rescind/wire'"),
]

/** What some plants import, so that they fail by their rule and by nothing else. */
const props = [
  plant(null, 'tools/planted.mjs', ''),
  plant(null, `${lib}/base/planted-b.ts`, "import type { A } from './planted-a.ts'"),
  plant(null, `${lib}/testing/index.ts`, "export * from './planted-ok.ts'"),
]

function plant(rule, file, code) {
  return { rule, file, code }
}

const copy = mkdtempSync(join(tmpdir(), 'rescind-import-rules-'))
try {
  copyTree()
  for (const { file, code } of [...props, ...plants]) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    writeFileSync(join(copy, file), `${code}\nexport const planted = 1\n`)
  }

  const violations = cruise()
  let wrong = 0
  for (const { rule, file, code } of plants) {
    const said = [...new Set(violations.filter((each) => each.from === file).map((each) => each.rule.name))]
    const right = rule === null ? said.length === 0 : said.includes(rule)
    if (!right) wrong++
    console.log(`${right ? 'ok' : 'WRONG'}  ${file}: ${code || '(imports nothing)'}`)
    if (rule !== null || !right)
      console.log(`      expected ${rule ?? 'nothing'}; reported ${said.join(', ') || 'nothing'}`)
  }
  const untried = declaredRules().filter((name) => !plants.some(({ rule }) => rule === name))
  for (const name of untried) console.log(`WRONG  the rule ${name} has no planted violation`)
  if (wrong + untried.length > 0) process.exitCode = 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}

/** The sources and configuration, with node_modules linked, except for the workspace's own packages: those are copies. */
function copyTree() {
  for (const file of [
    'package.json',
    'tsconfig.json',
    'tsconfig.base.json',
    'tsconfig.test.json',
    '.dependency-cruiser.cjs',
  ]) {
    cpSync(join(root, file), join(copy, file))
  }
  for (const name of readdirSync(join(root, 'packages'))) {
    for (const part of ['src', 'package.json', 'tsconfig.json']) {
      const from = join(root, 'packages', name, part)
      if (existsSync(from)) cpSync(from, join(copy, 'packages', name, part), { recursive: true })
    }
  }
  const modules = join(copy, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('rescind')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  symlinkSync(relative(modules, join(copy, 'packages/rescind')), join(modules, 'rescind'))
  symlinkSync(relative(modules, join(copy, 'packages/server')), join(modules, 'rescind-server'))
}

function cruise() {
  const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const args = [depcruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', lib, server]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (stdout === '') throw new Error(`dependency-cruiser failed: ${stderr}`)
  return JSON.parse(stdout).summary.violations
}

function declaredRules() {
  const text = spawnSync(
    process.execPath,
    ['-p', "JSON.stringify(require('./.dependency-cruiser.cjs').forbidden.map((rule) => rule.name))"],
    { cwd: root, encoding: 'utf8' },
  )
  return JSON.parse(text.stdout)
}
