/** Which maker's device it is, by what it publishes. */
import { templates } from './index.ts'
import type { Template } from './template.ts'

export interface Published {
  topic: string
  payload: string
}

/** An entry of `devices`. */
export interface TemplateEntry {
  template: string
  /** Absent: that of the template. */
  base?: string
}

/** The template that most of the messages look like, below one base. Undefined: most look like none. */
export function recognise(messages: Published[]): TemplateEntry | undefined {
  const votes = Map.groupBy(messages.flatMap(entryOf), (entry) => JSON.stringify(entry))
  const [first] = [...votes.values()].toSorted((a, b) => b.length - a.length)
  return first && first.length * 2 > messages.length ? first[0] : undefined
}

function entryOf({ topic, payload }: Published): TemplateEntry[] {
  for (const template of templates) {
    const base = template.baseOf(topic, parsed(payload))
    if (base !== undefined) return [named(template, base)]
  }
  return []
}

function named({ name, base: usual }: Template, base: string): TemplateEntry {
  return { template: name, ...(base === usual ? {} : { base }) }
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return payload
  }
}
