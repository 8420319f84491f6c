/** Log lines of a device, sorted into templates: what varies by its form is masked, what is left is compared (drain.ts). */
import { z } from 'zod'
import type { Analysis, Run, SourceReading, Tell } from '../analysis.ts'
import { Drain, type DrainMemory } from './drain.ts'
import { masked } from './masks.ts'

const keys = {
  similarity: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('A line belongs to a template when this share of its words is the same'),
  templatesMax: z
    .number()
    .int()
    .min(1)
    .max(500)
    .default(200)
    .describe('Most templates that are kept; past it the one goes that no line had for longest'),
  learnMs: z.number().int().min(0).default(3_600_000).describe('For so long from the first line on nothing is called new'),
}
type TemplateKeys = z.infer<z.ZodObject<typeof keys>>

interface LogMemory extends DrainMemory {
  /** Of the first line; absent before. */
  firstMs?: number
}

const lettersMax = 400
const wordsMax = 60

export const logTemplates: Analysis<TemplateKeys, LogMemory> = {
  name: 'log-templates',
  description: 'log lines: the template of each, how many lines had it, whether it is new',
  version: 1,
  takes: 'text',
  channels: 1,
  keys,
  outputs: () => [
    { name: 'template', kind: 'text', unit: '1' },
    { name: 'count', kind: 'number', unit: '1' },
    { name: 'new', kind: 'boolean', unit: '1' },
    { name: 'templates', kind: 'number', unit: '1' },
  ],
  memory: { empty: () => ({ lines: 0, templates: [] }), bytesMax: 1 << 20 },
  open: (entry) => new TemplatesRun(entry),
}

class TemplatesRun implements Run<LogMemory> {
  readonly #keys: TemplateKeys
  /** Each lane has a memory. */
  readonly #drains = new WeakMap<LogMemory, Drain>()

  constructor(keys: TemplateKeys) {
    this.#keys = keys
  }

  take(memory: LogMemory, { t, value }: SourceReading, tell: Tell): void {
    const words = wordsOf(String(value))
    if (words.length === 0) return
    memory.firstMs ??= t
    const { text, count } = this.#drainOf(memory).take(words)
    tell('template', t, text)
    tell('count', t, count)
    tell('new', t, count === 1 && t - memory.firstMs >= this.#keys.learnMs)
    tell('templates', t, memory.templates.length)
  }

  #drainOf(memory: LogMemory): Drain {
    let drain = this.#drains.get(memory)
    if (!drain) {
      drain = new Drain(memory, this.#keys)
      this.#drains.set(memory, drain)
    }
    return drain
  }
}

/** Of a line's beginning. Control characters part words. */
function wordsOf(line: string): string[] {
  const text = line.slice(0, lettersMax).toWellFormed()
  return masked(text)
    .split(/[\s\p{Cc}]+/u)
    .filter((word) => word !== '')
    .slice(0, wordsMax)
}
