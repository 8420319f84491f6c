/**
 * A topic filter of MQTT, and more: `#` may stand before other levels and then takes one level or more (`#/availability`), and a
 * level of a template may be one of several (`sensor|switch`). As in MQTT, wildcards at the start do not take topics of `$`.
 */
import type { Levels } from '@millrace/contract'

export type Pattern = (string | ReadonlySet<string>)[]

export function patternOf(text: string, { hasAlternatives = false } = {}): Pattern {
  return text.split('/').map((level) => (hasAlternatives && level.includes('|') ? new Set(level.split('|')) : level))
}

/** What the `#` took, without one `''`; undefined when the topic is another. */
export function restOf(pattern: Pattern, levels: Levels): string | undefined {
  const many = pattern.indexOf('#')
  if ((pattern[0] === '+' || many === 0) && levels[0]!.startsWith('$')) return undefined
  if (many < 0) return levels.length === pattern.length && isAlike(pattern, levels) ? '' : undefined
  const tail = pattern.length - many - 1
  const end = levels.length - tail
  if (end < many + (tail === 0 ? 0 : 1)) return undefined
  if (!isAlike(pattern.slice(0, many), levels) || !isAlike(pattern.slice(many + 1), levels.slice(end))) return undefined
  return levels.slice(many, end).join('/')
}

function isAlike(pattern: Pattern, levels: Levels): boolean {
  return pattern.every((level, k) => level === '+' || (typeof level === 'string' ? level === levels[k] : level.has(levels[k]!)))
}
