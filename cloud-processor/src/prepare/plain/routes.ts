/** Which entry of the configuration reads a topic, and how: its own filter, or a route of its template. */
import { type Levels, levelsOf } from '@millrace/contract'
import { codecFor } from './codecs/index.ts'
import type { PlainConfig } from './entry.ts'
import { templateOf } from './templates/index.ts'
import type { TopicNames } from './topic-names.ts'
import { type Pattern, patternOf, restOf } from './topic-pattern.ts'

export interface Route {
  config: PlainConfig
  topic: TopicNames
}

interface Candidate {
  pattern: Pattern
  /** Undefined: what the pattern takes is ignored. */
  config: PlainConfig | undefined
}

const compiled = new WeakMap<PlainConfig[], Candidate[]>()

/** The first that takes the topic. */
export function routeOf(plain: PlainConfig[], name: string): Route | 'ignored' | undefined {
  let candidates = compiled.get(plain)
  if (!candidates) {
    candidates = plain.flatMap(candidatesOf)
    compiled.set(plain, candidates)
  }
  const levels: Levels = levelsOf(name)
  for (const { pattern, config } of candidates) {
    const rest = restOf(pattern, levels)
    if (rest !== undefined) return config ? { config, topic: { levels, rest } } : 'ignored'
  }
  return undefined
}

function candidatesOf(config: PlainConfig): Candidate[] {
  const ignored = (config.ignore ?? []).map((filter) => ({ pattern: patternOf(filter), config: undefined }))
  if (config.template === undefined) return [...ignored, { pattern: patternOf(config.filter!), config }]
  return [...ignored, ...fromTemplate(config)]
}

/** What the entry says itself goes before what the template says. */
function fromTemplate(entry: PlainConfig): Candidate[] {
  const template = templateOf(entry.template!)
  const base = entry.base ?? template.base
  return template.routes(entry).map(({ topic, isIgnored, isOneValue, words, ...route }) => {
    const pattern = patternOf(base === '' ? topic : `${base}/${topic}`, { hasAlternatives: true })
    if (isIgnored) return { pattern, config: undefined }
    const { channelsMax } = entry
    const own = { codec: codecFor(isOneValue).name, device: '{1}', channels: [], channelsMax, ...route }
    return { pattern, config: { ...own, words: { ...words, ...entry.words } } }
  })
}
