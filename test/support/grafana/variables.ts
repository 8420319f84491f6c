/**
 * Variables in questions as Grafana puts them there: each data source in its own way. A variable that may have several values is
 * a pattern in PromQL, and a list of alternatives in Lucene's language.
 */
import type { Variable } from './dashboard-files.ts'

/** What is chosen, by name; `$__all` for everything. */
export interface Chosen {
  variable: Variable
  /** All that can be chosen. */
  options: string[]
  value: string | string[]
}

export type Choices = Map<string, Chosen>
export type Spelling = (chosen: Chosen) => string

const isPattern = ({ multi, includeAll }: Variable) => multi || includeAll

/** Grafana escapes with two backslashes, since the pattern stands in a quoted text. */
export const inPromQl: Spelling = ({ variable, value }) => {
  if (!isPattern(variable)) return `${value}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  const escaped = [value].flat().map((one) => one.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&'))
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`
}

export const inLucene: Spelling = ({ variable, options, value }) => {
  if (variable.allValue && Array.isArray(value) && value.length === options.length) return variable.allValue
  const escaped = (one: string) => one.replace(/[!*+\-=<>\s&|()[\]{}^~?:\\/"]/g, '\\$&')
  return Array.isArray(value) ? `(${value.map((one) => `"${escaped(one)}"`).join(' OR ')})` : escaped(value)
}

/** @throws Error when the text names a variable that there is not. */
export function fillIn(text: string, choices: Choices, spell: Spelling, builtIn: Record<string, string>): string {
  return text.replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, bare, braced) => {
    const name = bare ?? braced
    if (name in builtIn) return builtIn[name]!
    const chosen = choices.get(name)
    if (!chosen) throw new Error(`there is no variable ${whole}`)
    return spell(chosen)
  })
}

/** Of a chosen one: the first, or all where nothing is chosen yet and all may be. */
export function choose(variable: Variable, options: string[], wanted?: string): Chosen {
  const value = wanted ?? (variable.includeAll ? options : options[0]!)
  return { variable, options, value }
}
