/** Who is told that records became durable, by topic. */
import type { Topic } from '@millrace/contract'
import type { Log as Logger } from '@millrace/platform'

type Listener = (partition: number, end: number) => void

export class Listeners {
  readonly #byTopic = new Map<Topic, Set<Listener>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Returns the unsubscribe function. */
  add(topic: Topic, listener: Listener): () => void {
    const listeners = this.#byTopic.get(topic) ?? new Set()
    this.#byTopic.set(topic, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** One that fails harms no other. */
  tell(topic: Topic, partition: number, end: number): void {
    for (const listener of this.#byTopic.get(topic) ?? []) {
      try {
        listener(partition, end)
      } catch (error) {
        this.#logger.error('a listener of the log failed', { topic, error })
      }
    }
  }
}
