/** After the file turned out to be damaged: what it held is evicted, and the rest of the state is written again from memory. */
import { addToGap, joinGap } from './gap.ts'
import { allSmall, forget, forgetPage, type State } from './state.ts'
import type { Work } from './work.ts'

export function startOver(state: State, work: Work): void {
  const { shelf, cache, freed } = state
  const gap = structuredClone(state.run.gap)
  for (const unit of [...shelf.units()]) {
    if ('entries' in unit) {
      joinGap(gap, unit.lost)
      forgetPage(state, unit)
      continue
    }
    const entry = unit
    const content = cache.get(entry)
    if (entry.guard && content && 'text' in content && entry.kind !== 'data')
      work.again.push({ kind: entry.kind, text: content.text, guard: entry.guard })
    else if (!freed.has(entry)) addToGap(gap, 'evicted', entry)
    // Under a new number.
    if (entry.kind === 'alarm' && content && 'text' in content && !freed.has(entry)) work.alarms.push(content.text)
    forget(state, entry)
  }
  state.run = { ...state.run, gap }
  work.freed = []
  work.aside = []
  work.evict = []
  work.small = new Map([...allSmall(state), ...work.small])
}
