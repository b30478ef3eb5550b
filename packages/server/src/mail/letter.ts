import { escapeHtml } from './escape-html.ts'

/** What a mail says, for programs that show HTML and for those that do not. */
export interface Letter {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** A paragraph, or a link that stands for itself. */
export type Paragraph = string | { readonly link: string; readonly label: string }

/** Writes a letter in both its forms. Whatever the paragraphs hold, it is text: no markup of theirs gets into the HTML. */
export function writeLetter(subject: string, paragraphs: readonly Paragraph[]): Letter {
  const text = paragraphs.map((paragraph) => (typeof paragraph === 'string' ? wrap(paragraph) : paragraph.link))
  return {
    subject,
    text: `${text.join('\n\n')}\n`,
    html: [
      '<!doctype html>',
      `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
      '<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em; margin: 2em auto; padding: 0 1em">',
      ...paragraphs.map(paragraphHtml),
      '</body></html>',
      '',
    ].join('\n'),
  }
}

function paragraphHtml(paragraph: Paragraph): string {
  if (typeof paragraph === 'string') return `<p>${escapeHtml(paragraph)}</p>`
  const { link, label } = paragraph
  return `<p><a href="${escapeHtml(link)}">${escapeHtml(label)}</a></p>`
}

const LINE = 76

function wrap(paragraph: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of paragraph.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > LINE) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
