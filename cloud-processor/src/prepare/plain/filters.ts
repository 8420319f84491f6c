/** The MQTT filters by which a broker sends what an entry of the configuration reads. */
import { covers, levelsOf } from '@millrace/contract'
import type { PlainConfig } from './entry.ts'
import { templateOf } from './templates/index.ts'

/** Without those that another one of them takes as well: a broker may send a message once for each. */
export function filtersOf(entries: PlainConfig[], more: string[] = []): string[] {
  const all = [...new Set([...more, ...entries.flatMap(topicsOf).map(filterOf)])]
  const isTaken = (filter: string) => all.some((other) => other !== filter && covers(levelsOf(other), levelsOf(filter)))
  return all.filter((filter) => !isTaken(filter))
}

function topicsOf(entry: PlainConfig): string[] {
  if (entry.template === undefined) return [entry.filter!]
  const template = templateOf(entry.template)
  const base = entry.base ?? template.base
  return template.routes(entry).flatMap(({ topic, isIgnored }) => (isIgnored ? [] : [base === '' ? topic : `${base}/${topic}`]))
}

/** In MQTT `#` is the last level, and a level is one or any. */
function filterOf(topic: string): string {
  const levels = topic.split('/').map((level) => (level.includes('|') ? '+' : level))
  const many = levels.indexOf('#')
  return (many < 0 ? levels : levels.slice(0, many + 1)).join('/')
}
