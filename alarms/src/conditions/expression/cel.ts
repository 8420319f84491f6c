/**
 * CEL by @bufbuild/cel, bounded: so many characters, so deep, no loops. The library takes a quarter of a second and 29 MB to load, so
 * that only a rule with an expression loads it.
 */
import { createRequire } from 'node:module'
import type { CelInput, parse } from '@bufbuild/cel'

type Expr = ReturnType<typeof parse>['expr']
export type Values = Record<string, number | string>
/** Undefined where it cannot be told, such as when a value is missing that decides. */
export type Evaluate = (values: Values) => boolean | undefined

export const lengthMax = 1000
const bracketsMax = 20
const operationsMax = 100

let library: typeof import('@bufbuild/cel') | undefined

function cel() {
  library ??= createRequire(import.meta.url)('@bufbuild/cel') as typeof import('@bufbuild/cel')
  return library
}

/** The packages of the agent do not carry it. */
function isInstalled(): boolean {
  try {
    return cel() !== undefined
  } catch {
    return false
  }
}

export function compile(text: string): Evaluate {
  const evaluate = planned(text)
  return (values) => {
    const result = evaluate(values)
    return typeof result === 'boolean' ? result : undefined
  }
}

function planned(text: string): (values: Values) => unknown {
  const { celEnv, parse, plan } = cel()
  return plan(celEnv(), parse(text)) as (values: Record<string, CelInput>) => unknown
}

/** Why it cannot be meant, with the place in it and the remedy. @param names of the variables */
export function faultIn(text: string, names: string[]): string | undefined {
  if (depthOf(text) > bracketsMax) return `brackets are more than ${bracketsMax} deep: split it into several rules`
  if (!isInstalled()) return '@bufbuild/cel is not installed here: give this rule to the processor'
  let expr: Expr
  try {
    expr = cel().parse(text).expr
  } catch (error) {
    return unreadable(text, (error as Error).message)
  }
  return faultInTree(expr, names, operationsMax) ?? faultAtTrial(text, names)
}

function depthOf(text: string): number {
  let [depth, deepest] = [0, 0]
  for (const letter of text) {
    if ('([{'.includes(letter)) deepest = Math.max(deepest, ++depth)
    if (')]}'.includes(letter)) depth--
  }
  return deepest
}

/** The parser says `<input>:1:6: found < but expecting end of input`, with lines from 1 and columns from 0. */
function unreadable(text: string, message: string): string {
  const [, line = '1', column = '0', what = message] = /^<input>:(\d+):(\d+): (.*)/s.exec(message) ?? []
  const rest = text.split('\n')[Number(line) - 1]?.slice(Number(column), Number(column) + 20) ?? ''
  const place = `line ${line}, character ${Number(column) + 1}${rest === '' ? '' : `, at \`${rest}\``}`
  return `cannot be read (${place}): ${what}`
}

function faultInTree(expr: Expr, names: string[], depth: number): string | undefined {
  if (depth === 0) return `it is more than ${operationsMax} operations deep: split it into several rules`
  const { case: kind, value } = expr.exprKind
  if (kind === 'comprehensionExpr') return 'loops (all, exists, exists_one, map, filter) are not available: name each channel'
  if (kind === 'identExpr' && !names.includes(value.name))
    return `\`${value.name}\` is not in channels (${names.join(', ')}): add it there, or correct the name`
  for (const part of partsOf(expr)) {
    const fault = faultInTree(part, names, depth - 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

function partsOf({ exprKind: { case: kind, value } }: Expr): Expr[] {
  if (kind === 'callExpr') return [value.target, ...value.args].filter((part) => part !== undefined) as Expr[]
  if (kind === 'selectExpr') return value.operand ? [value.operand as Expr] : []
  if (kind === 'listExpr') return value.elements as Expr[]
  if (kind === 'structExpr') return value.entries.flatMap((entry) => (entry.value ? [entry.value as Expr] : []))
  return []
}

/** With numbers and texts for the variables: one of these must give true or false. */
function faultAtTrial(text: string, names: string[]): string | undefined {
  const evaluate = planned(text)
  let first: unknown
  for (let kinds = 0; kinds < 2 ** Math.min(names.length, 8); kinds++) {
    const values = names.map((name, k) => [name, (kinds >> k) & 1 ? 'text' : 1.5])
    const result = evaluate(Object.fromEntries(values))
    if (typeof result === 'boolean') return undefined
    first ??= result
  }
  if (!cel().isCelError(first)) return 'it gives a value, and must give true or false: compare it, such as `... > 1.0`'
  return `${first.message}${remedyOf(first.message)}`
}

function remedyOf(message: string): string {
  if (/\(double, u?int\)|\(u?int, double\)/.test(message)) return ': channels are doubles, write 2.0 for 2'
  if (/unbound function/.test(message)) return ': use the functions of CEL'
  return ': correct its kinds'
}
