/** A binary heap: what comes first by `isBefore` is at the top. */
export interface Heap<T> {
  size(): number
  peek(): T | undefined
  push(item: T): void
  pop(): T | undefined
  /** All of it, in no order; the heap is empty afterwards. */
  drain(): T[]
}

export function createHeap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  let items: T[] = []

  function rise(item: T, at: number): void {
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(item, items[parent]!); parent = (at - 1) >> 1) {
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  function sink(item: T): void {
    let at = 0
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++
      if (!isBefore(items[child]!, item)) break
      items[at] = items[child]!
      at = child
    }
    items[at] = item
  }

  return {
    size: () => items.length,
    peek: () => items[0],
    push(item) {
      items.push(item)
      rise(item, items.length - 1)
    },
    pop() {
      const top = items[0]
      const last = items.pop()
      if (items.length > 0) sink(last!)
      return top
    },
    drain() {
      const all = items
      items = []
      return all
    },
  }
}
