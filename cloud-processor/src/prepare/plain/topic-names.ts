/**
 * Names from a topic: `{n}` is its level n, counted from 0 or with a minus from the end; `{last}` the last one, `{topic}` all of it,
 * `{rest}` the levels that the `#` of the filter took. Other labels are the payload's.
 */
import type { Levels } from '@millrace/contract'

export interface TopicNames {
  levels: Levels
  rest: string
}

const ofTopic = /^(?:-?\d+|topic|rest|last)$/

export function isTopicLabel(label: string): boolean {
  return ofTopic.test(label)
}

/** The labels in braces. */
export function labelsOf(template: string): string[] {
  return [...template.matchAll(/\{([^{}]*)\}/g)].map(([, label]) => label!)
}

export function nameFrom(template: string, topic: TopicNames, labels: Record<string, string> = {}): string {
  return template.replace(/\{([^{}]+)\}/g, (_, label: string) => {
    if (isTopicLabel(label)) return partOf(topic, label)
    return Object.hasOwn(labels, label) ? labels[label]! : ''
  })
}

function partOf({ levels, rest }: TopicNames, label: string): string {
  if (label === 'topic') return levels.join('/')
  if (label === 'rest') return rest
  return levels.at(label === 'last' ? -1 : Number(label)) ?? ''
}
