/**
 * Drain (He, Zhu, Zheng, Lyu 2017): lines of as many words and with the same first word are compared with the templates of such lines. Where
 * enough words are the same at their places the line belongs to the one that is nearest, and the words that differ become `<*>`;
 * else it begins one. A first word with a digit in it counts as any.
 */

export interface Template {
  /** Words, with one space between. */
  text: string
  count: number
  /** Number of the line that had it last. */
  last: number
}

export interface DrainMemory {
  lines: number
  templates: Template[]
}

const any = '<*>'

interface Known {
  template: Template
  words: string[]
}

/** Templates by words and first word; made again from the memory. */
export class Drain {
  readonly #similarity: number
  readonly #templatesMax: number
  readonly #memory: DrainMemory
  readonly #groups = new Map<string, Known[]>()

  constructor(memory: DrainMemory, { similarity, templatesMax }: { similarity: number; templatesMax: number }) {
    this.#similarity = similarity
    this.#templatesMax = templatesMax
    this.#memory = memory
    for (const template of memory.templates) this.#index({ template, words: template.text.split(' ') })
  }

  /** @returns the template that the line belongs to; its count is 1 where the line began it */
  take(words: string[]): Template {
    const known = this.#nearest(words) ?? this.#begin(words)
    const { template } = known
    known.words.forEach((word, k) => {
      if (word !== words[k]) known.words[k] = any
    })
    template.text = known.words.join(' ')
    template.count++
    template.last = this.#memory.lines++
    return template
  }

  #nearest(words: string[]): Known | undefined {
    let [best, most, mostAny]: [Known | undefined, number, number] = [undefined, -1, -1]
    for (const known of this.#groups.get(keyOf(words)) ?? []) {
      let [same, anyWords] = [0, 0]
      for (let k = 0; k < words.length; k++) {
        if (known.words[k] === any) anyWords++
        else if (known.words[k] === words[k]) same++
      }
      if (same > most || (same === most && anyWords > mostAny)) [best, most, mostAny] = [known, same, anyWords]
    }
    return most >= this.#similarity * words.length ? best : undefined
  }

  #begin(words: string[]): Known {
    const { templates } = this.#memory
    if (templates.length >= this.#templatesMax) this.#forgetOldest()
    const template = { text: words.join(' '), count: 0, last: 0 }
    templates.push(template)
    const known = { template, words: [...words] }
    this.#index(known)
    return known
  }

  /** That which no line had for longest. */
  #forgetOldest(): void {
    const { templates } = this.#memory
    let oldest = 0
    for (let k = 1; k < templates.length; k++) if (templates[k]!.last < templates[oldest]!.last) oldest = k
    const [gone] = templates.splice(oldest, 1)
    for (const [key, group] of this.#groups) {
      const at = group.findIndex(({ template }) => template === gone)
      if (at >= 0) group.splice(at, 1)
      if (group.length === 0) this.#groups.delete(key)
    }
  }

  #index(known: Known): void {
    const key = keyOf(known.words)
    const group = this.#groups.get(key)
    if (group) group.push(known)
    else this.#groups.set(key, [known])
  }
}

function keyOf(words: string[]): string {
  const first = words[0]!
  return `${words.length} ${/[\d<]/.test(first) ? any : first}`
}
