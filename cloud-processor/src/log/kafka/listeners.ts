/** Who wants to know of new records. Each end is told once; a listener that fails harms no other. */
import type { Topic } from '@millrace/contract'
import type { Log as Lines } from '@millrace/platform'

export type Listener = (partition: number, end: number) => void

export type Listeners = ReturnType<typeof createListeners>

export function createListeners(lines: Lines) {
  const byTopic = new Map<Topic, Set<Listener>>()
  /** Newest end that was told. */
  const ends = new Map<string, { topic: Topic; partition: number; end: number }>()

  function tell(topic: Topic, partition: number, end: number): void {
    for (const listener of byTopic.get(topic) ?? []) {
      try {
        listener(partition, end)
      } catch (error) {
        lines.error('a listener of the log failed', { topic, error })
      }
    }
  }

  return {
    add(topic: Topic, listener: Listener): () => void {
      const set = byTopic.get(topic) ?? new Set()
      byTopic.set(topic, set.add(listener))
      return () => void set.delete(listener)
    },
    /** An end that was told already is told again only when nothing came since: a waiting reader shows that it is there. */
    ring(topic: Topic, partition: number, end: number): void {
      const key = `${topic} ${partition}`
      const last = ends.get(key)
      if (last && last.end > end) return
      ends.set(key, { topic, partition, end })
      tell(topic, partition, end)
    },
    ringAll(): void {
      for (const { topic, partition, end } of ends.values()) tell(topic, partition, end)
    },
  }
}
