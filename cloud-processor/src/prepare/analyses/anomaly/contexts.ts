/**
 * What a stream of facts was followed by: the memory of a contextual anomaly detector after CAD OSE (M. Smirnov 2016, as it is
 * described at the Numenta Anomaly Benchmark and in the manual of the R package otsad).
 *
 * A *fact* is a number: a bit of the value that has that state, or "that context is active". A *context* joins two sets of facts,
 * those before (left) and those that followed (right). At each step
 *
 * 1. the facts of the step before and those of now become a *basic* context, if they were not seen together before;
 * 2. a context whose left facts were all there was expected; one whose right facts are all there as well is active;
 * 3. if 1 made one, what each basic context that is met in part has in common with both steps becomes a context: the general case;
 * 4. the contexts that were active most often are, with the facts of now, the left facts of the next step.
 *
 * The basic context that was made last is left out of 2 until there is a further one: it says what was just learnt. Contexts that
 * share a set of facts share a *half*, which is met once for all of them. Past the bound those go that were expected least recently, an
 * eighth at once. Nothing depends on the order of an index, so that one that is made again after a restart gives the same.
 */

/** Plain data. */
export interface Context {
  id: number
  isBasic: boolean
  left: number[]
  right: number[]
  /** How often it was active. */
  activity: number
  /** Step at which it was made or expected last. */
  last: number
}

export interface ContextMemory {
  step: number
  /** Id of the next context. */
  next: number
  /** Id of the basic context that was made last. */
  newest: number
  /** Facts that the next step follows. */
  left: number[]
  contexts: Context[]
}

/** All are shares, 0 to 1. */
export interface Surprise {
  /** Of the contexts that were expected those that came. */
  expected: number
  /** Of the contexts that this step could make those that are new; 0 where it made no basic one. */
  added: number
}

interface Half {
  facts: number[]
  /** Of its facts those that are in the set it was last compared with. */
  met: number[]
  contexts: Map<Half, Context>
}

export interface ContextLimits {
  /** Facts below are bits of the value; those from it on are contexts. */
  valueFacts: number
  /** Active contexts that are remembered for the next step. */
  activeMax: number
  /** Left facts of a context that is not basic. */
  leftFactsMax: number
  contextsMax: number
}

export const emptyContexts = (): ContextMemory => ({ step: 0, next: 0, newest: -1, left: [], contexts: [] })

export class Contexts {
  readonly #limits: ContextLimits
  readonly #memory: ContextMemory
  readonly #left = new Halves()
  readonly #right = new Halves()

  constructor(memory: ContextMemory, limits: ContextLimits) {
    this.#memory = memory
    this.#limits = limits
    for (const context of memory.contexts) this.#index(context)
    this.#left.meet(memory.left)
  }

  /** @param facts ascending */
  step(facts: number[]): Surprise {
    const memory = this.#memory
    memory.step++
    const basic = memory.left.length > 0 ? this.#make(memory.left, facts, true) : undefined
    if (basic) memory.newest = basic.id
    this.#right.meet(facts)
    const { expected, active, common } = this.#review(basic !== undefined)
    const share = expected === 0 ? 0 : active.length / expected
    memory.left = [...facts, ...this.#strongest(active)]
    const added = this.#makeAll(common)
    this.#forget()
    this.#left.meet(memory.left)
    return { expected: share, added: basic ? (added + 1) / (common.size + 1) : 0 }
  }

  /** @param isNew this step made a basic context */
  #review(isNew: boolean) {
    const active: Context[] = []
    const common = new Map<string, [left: number[], right: number[]]>()
    let expected = 0
    for (const left of this.#left.met) {
      const isLeftWhole = left.met.length === left.facts.length
      for (const [right, context] of left.contexts) {
        if (context.id === this.#memory.newest) continue
        const isRightWhole = right.met.length === right.facts.length
        if (isLeftWhole) {
          expected++
          context.last = this.#memory.step
        }
        if (isLeftWhole && isRightWhole) active.push(context)
        else if (isNew && context.isBasic && right.met.length > 0 && left.met.length <= this.#limits.leftFactsMax)
          common.set(`${left.met}|${right.met}`, [left.met, right.met])
      }
    }
    for (const context of active) context.activity++
    return { expected, active, common }
  }

  /** As facts, ascending. */
  #strongest(active: Context[]): number[] {
    const { activeMax, valueFacts } = this.#limits
    return active
      .sort((a, b) => b.activity - a.activity || b.id - a.id)
      .slice(0, activeMax)
      .map(({ id }) => id + valueFacts)
      .sort((a, b) => a - b)
  }

  #makeAll(common: Map<string, [left: number[], right: number[]]>): number {
    let made = 0
    for (const key of [...common.keys()].sort()) {
      const [left, right] = common.get(key)!
      if (this.#make(left, right, false)) made++
    }
    return made
  }

  /** Undefined where there is one already. */
  #make(left: number[], right: number[], isBasic: boolean): Context | undefined {
    const known = this.#left.find(left)?.contexts.get(this.#right.find(right)!)
    if (known) {
      known.isBasic ||= isBasic
      return undefined
    }
    const { next: id, step } = this.#memory
    const context = { id, isBasic, left, right, activity: 0, last: step }
    this.#memory.next++
    this.#memory.contexts.push(context)
    this.#index(context)
    return context
  }

  #index(context: Context): void {
    const right = this.#right.add(context.right)
    const left = this.#left.add(context.left)
    left.contexts.set(right, context)
    right.contexts.set(left, context)
  }

  #forget(): void {
    const { contexts } = this.#memory
    const { contextsMax } = this.#limits
    if (contexts.length <= contextsMax) return
    const over = contexts.length - Math.floor((contextsMax * 7) / 8)
    const gone = new Set(contexts.toSorted((a, b) => a.last - b.last || a.id - b.id).slice(0, over))
    this.#memory.contexts = contexts.filter((context) => !gone.has(context))
    for (const { left, right } of gone) {
      const [leftHalf, rightHalf] = [this.#left.find(left)!, this.#right.find(right)!]
      leftHalf.contexts.delete(rightHalf)
      rightHalf.contexts.delete(leftHalf)
      if (leftHalf.contexts.size === 0) this.#left.remove(leftHalf)
      if (rightHalf.contexts.size === 0) this.#right.remove(rightHalf)
    }
  }
}

/** The left or the right halves, found by what they are and by each of their facts. */
class Halves {
  /** Those that have a fact of the set that they were last compared with. */
  met: Half[] = []
  readonly #all = new Map<string, Half>()
  readonly #byFact = new Map<number, Set<Half>>()

  find(facts: number[]): Half | undefined {
    return this.#all.get(keyOf(facts))
  }

  add(facts: number[]): Half {
    const key = keyOf(facts)
    let half = this.#all.get(key)
    if (half) return half
    half = { facts, met: [], contexts: new Map() }
    this.#all.set(key, half)
    for (const fact of facts) {
      const having = this.#byFact.get(fact)
      if (having) having.add(half)
      else this.#byFact.set(fact, new Set([half]))
    }
    return half
  }

  remove(half: Half): void {
    this.#all.delete(keyOf(half.facts))
    for (const fact of half.facts) {
      const having = this.#byFact.get(fact)!
      having.delete(half)
      if (having.size === 0) this.#byFact.delete(fact)
    }
  }

  /** @param facts ascending */
  meet(facts: number[]): void {
    for (const half of this.met) half.met = []
    this.met = []
    for (const fact of facts)
      for (const half of this.#byFact.get(fact) ?? []) {
        if (half.met.length === 0) this.met.push(half)
        half.met.push(fact)
      }
  }
}

const keyOf = (facts: number[]) => facts.join(' ')
