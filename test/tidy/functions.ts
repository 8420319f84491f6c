/** Every function with a body of statements: how long it is and how many parameters it takes. */
import { parseAst } from 'rolldown/parseAst'
import type { Source } from './sources.ts'

export interface Func {
  path: string
  /** Of its first line, from 1. */
  line: number
  lines: number
  parameters: number
}

interface Node {
  type: string
  start: number
  end: number
  params?: unknown[]
  body?: Node | null
}

const kinds = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export function functionsOf({ path, text }: Source): Func[] {
  const found: Func[] = []
  const lineOf = lineFinder(text)
  visit(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }, path))
  return found

  function visit(value: unknown): void {
    if (value === null || typeof value !== 'object') return
    if (isFunction(value)) {
      const line = lineOf(value.start)
      found.push({ path, line, lines: lineOf(value.end - 1) - line + 1, parameters: value.params?.length ?? 0 })
    }
    for (const child of Object.values(value)) visit(child)
  }
}

/** An arrow that is one expression is not counted as a function. */
function isFunction(value: object): value is Node {
  const { type, body } = value as Node
  return kinds.has(type) && body?.type === 'BlockStatement'
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}
