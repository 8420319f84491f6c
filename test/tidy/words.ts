/**
 * Words that this project does not use in prose (comments, texts, documents), each with what to write instead. The first ones
 * replace those of the glossary in CONTRIBUTING.md; the others are turns of phrase that a reader may misread.
 */
export interface Word {
  not: RegExp
  write: string
}

export const words: Word[] = [
  { not: /\bwish(es)?\b/i, write: 'rebirth request, or request' },
  { not: /\bredo\b|\bredeem(ed)?\b|\bma(k|d)es? good\b/i, write: 'replay' },
  { not: /\bunder ?way\b/i, write: 'in flight, or running' },
  { not: /\bdeaf\b|\bisSure\b|\bbeSure\b/, write: 'lease held, lease expired' },
  { not: /\bcannot be had\b|\bcannot-be-had\b/i, write: 'unavailable' },
  { not: /\bfor-test\b|\btest-support\b|\bto-be-killed\b|\.testing\.ts\b/, write: 'a folder testing/' },
  { not: /\banew\b/i, write: 'again' },
  { not: /\bmeanwhile\b/i, write: 'while, or in between' },
  { not: /\bwhoever\b|\bwhosoever\b/i, write: 'the thing itself: the caller, the process, the reader' },
  { not: /\bsomebody else’?'?s?\b|\bis told by\b/i, write: 'the process or person meant' },
  { not: /\bof (ours|yours|theirs)\b/i, write: 'of Millrace, your own, their own' },
  {
    not: /(?<!\bthere )\b(is|are|was|were) no (?!longer\b|more than\b|less than\b|later than\b|reason\b|doubt\b)[a-z]/i,
    write: 'is not a valid ..., or is not a ...',
  },
  { not: /\b(kept|knows?|gives?|takes?|tells?|says?|makes?) (it |them )?not\b(?! to\b| only\b)/i, write: 'does not ...' },
  { not: /\bfor ever\b/i, write: 'without limit, permanently' },
  { not: /\bthe former one\b/i, write: 'the previous one' },
  { not: /\bwants? of you\b|\bis wanted of\b/i, write: 'what to do' },
  { not: /\b(takes|writes|sends|hears|reads|stands) no more\b/i, write: 'no longer ...' },
  { not: /\bborne up\b|\bmood\b|\bof other parents\b/i, write: 'a plain statement' },
]

/** The prose of a source or a document, line by line. */
export function proseOf(path: string, text: string): [line: number, prose: string][] {
  const lines = text.split('\n')
  if (path.endsWith('.md')) return lines.map((line, at) => [at + 1, line.replace(/`[^`]*`/g, '``')])
  return lines.flatMap((line, at): [number, string][] =>
    proseIn(line).map((prose) => [at + 1, prose.replace(/\$\{[^}]*\}/g, '')]),
  )
}

function proseIn(line: string): string[] {
  const comment = /^\s*(?:\/\*\*?|\*|\/\/)(.*)/.exec(line)?.[1] ?? /\s\/\/ (.*)/.exec(line)?.[1]
  const texts = [...line.matchAll(/'([^']* [^']*)'|"([^"]* [^"]*)"|`([^`]* [^`]*)`/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
  return comment === undefined ? texts : [comment, ...texts]
}
