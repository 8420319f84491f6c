/** Which sessions want a topic: a tree of filter levels, so a message costs the depth of its topic and not the number of filters. */
import { type Levels, levelsOf } from '@millrace/contract'

interface Branch {
  next: Map<string, Branch>
  /** Session id to the QoS asked for. */
  ends: Map<string, number>
}

const branch = (): Branch => ({ next: new Map(), ends: new Map() })

export class FilterTree {
  readonly #root = branch()

  add(filter: string, session: string, qos: number): void {
    let at = this.#root
    for (const level of levelsOf(filter)) {
      const next = at.next.get(level) ?? branch()
      at.next.set(level, next)
      at = next
    }
    at.ends.set(session, qos)
  }

  remove(filter: string, session: string): void {
    removeFrom(this.#root, levelsOf(filter), 0, session)
  }

  /** The highest QoS that each session asked for. */
  match(topic: string): Map<string, number> {
    const found = new Map<string, number>()
    collect(this.#root, levelsOf(topic), 0, found)
    return found
  }
}

function collect(at: Branch, topic: Levels, depth: number, found: Map<string, number>): void {
  const wild = depth > 0 || !topic[0]!.startsWith('$') // [MQTT-4.7.2-1]
  const rest = wild ? at.next.get('#') : undefined
  if (rest) gather(rest, found)
  if (depth === topic.length) return gather(at, found)
  const any = wild ? at.next.get('+') : undefined
  if (any) collect(any, topic, depth + 1, found)
  const same = at.next.get(topic[depth]!)
  if (same) collect(same, topic, depth + 1, found)
}

function gather(at: Branch, found: Map<string, number>): void {
  for (const [session, qos] of at.ends) found.set(session, Math.max(qos, found.get(session) ?? 0))
}

function removeFrom(at: Branch, filter: Levels, depth: number, session: string): void {
  if (depth === filter.length) return void at.ends.delete(session)
  const next = at.next.get(filter[depth]!)
  if (!next) return
  removeFrom(next, filter, depth + 1, session)
  if (next.ends.size === 0 && next.next.size === 0) at.next.delete(filter[depth]!)
}
