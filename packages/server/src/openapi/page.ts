import { createHash } from 'node:crypto'
import type { Json } from './json.ts'

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.875rem; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 4px; }
details { border: 1px solid #8886; border-radius: 4px; margin: 0.5rem 0; padding: 0.5rem 0.75rem; }
summary { cursor: pointer; }
summary b { display: inline-block; min-width: 4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.5rem; border-bottom: 1px solid #8884; }
`

/** Lets a browser apply this page's style and nothing else: it runs no script and loads nothing. */
export const pagePolicy = `default-src 'none';style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}';base-uri 'none';form-action 'none';frame-ancestors 'none'`

/** The part of a document that the page shows. */
interface ShownOperation {
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security: readonly Json[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description: string }[]
  readonly requestBody?: { readonly content: Json }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Json }>>
}

/** A document as a page of HTML: every operation can be unfolded, without a script. */
export function documentPage(document: Json): string {
  const { info, paths, tags, components } = document as {
    info: { title: string; version: string; description: string }
    paths: Record<string, Record<string, ShownOperation>>
    tags: { name: string; description: string }[]
    components: { schemas: Record<string, Json> }
  }
  const chapters = tags.map(({ name, description }) => {
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation.tags.includes(name))
        .map(([method, operation]) => operationSection(method, path, operation)),
    )
    return `<h2 id="${text(name)}">${text(description)}</h2>\n${operations.join('\n')}`
  })
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="schema-${text(name)}"><summary><code>${text(name)}</code></summary>${json(schema)}</details>`,
  )
  const title = `${text(info.title)} ${text(info.version)}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p>${prose(info.description)} For programs: <a href="/openapi.json"><code>/openapi.json</code></a>.</p>
<nav>${tags.map(({ name, description }) => `<div><a href="#${text(name)}">${text(description)}</a></div>`).join('')}</nav>
${chapters.join('\n')}
<h2>Schemas</h2>
${schemas.join('\n')}
</body>
</html>
`
}

function operationSection(method: string, path: string, operation: ShownOperation): string {
  const { summary, description, security, parameters = [], requestBody, responses } = operation
  const who = security.length === 0 ? 'anyone' : security.flatMap((one) => Object.keys(one)).join(' or ')
  const rows = Object.entries(responses).map(([status, answer]) => {
    const types = Object.keys(answer.content ?? {}).join(', ')
    const names = references(answer.content)
    return `<tr><td>${status}</td><td>${prose(answer.description)}</td><td>${text(types)} ${names}</td></tr>`
  })
  const fields = parameters.map(
    (one) =>
      `<tr><td><code>${text(one.name)}</code></td><td>${text(one.in)}</td><td>${prose(one.description)}</td></tr>`,
  )
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${text(path)}</code> ${text(summary)}</summary>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
<p>Who: ${text(who)}</p>
${fields.length === 0 ? '' : `<table><tr><th>Parameter</th><th>In</th><th></th></tr>${fields.join('')}</table>`}
${requestBody === undefined ? '' : `<p>Body:</p>${json(requestBody.content)}`}
<table><tr><th>Status</th><th>Meaning</th><th>Body</th></tr>${rows.join('')}</table>
</details>`
}

function references(content: Json | undefined): string {
  const names = new Set(JSON.stringify(content ?? {}).match(/(?<=#\/components\/schemas\/)\w+/g))
  return [...names].map((name) => `<a href="#schema-${name}">${name}</a>`).join(' ')
}

function json(value: unknown): string {
  return `<pre>${text(JSON.stringify(value, null, 2))}</pre>`
}

/** Text whose code is between backticks. */
function prose(value: string): string {
  return text(value).replaceAll(/`([^`]*)`/g, '<code>$1</code>')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function text(value: string): string {
  return value.replaceAll(/[&<>"]/g, (character) => entities[character] ?? '')
}
