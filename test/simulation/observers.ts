/** Who is never killed and only looks on: what is durable in `raw`, and what the receiver of notifications heard. */
import { decodeRaw, parseBatchName, topics } from '@millrace/contract'
import { peek } from '@millrace/contract/sparkplug'
import type { SharedLog } from './shared-log.ts'

/** Names of the batches that are in `raw`, as `<stream>/<number>`. */
export function createDurableNames(log: SharedLog): () => ReadonlySet<string> {
  const names = new Set<string>()
  const seen: number[] = []
  return () => {
    for (let partition = 0; partition < log.partitions; partition++) {
      const records = log.records(topics.raw, partition)
      for (let at = seen[partition] ?? 0; at < records.length; at++) {
        const raw = decodeRaw(records[at]!.value)
        const name = raw.k === 'message' ? parseBatchName(peek(raw.payload)?.uuid) : undefined
        if (name) names.add(`${name.stream}/${name.number}`)
      }
      seen[partition] = records.length
    }
    return names
  }
}

/** What the receiver heard. */
export function createTold() {
  const keys = new Map<string, number>()
  const last = new Map<string, { by: string; atMs: number }>()
  return {
    keys,
    repeats: () => [...keys.values()].reduce((sum, times) => sum + times - 1, 0),
    /** Returns what is wrong with it. */
    tell(key: string, by: string, nowMs: number, disturbedMs: number): string | undefined {
      const former = last.get(key)
      keys.set(key, (keys.get(key) ?? 0) + 1)
      last.set(key, { by, atMs: nowMs })
      if (former?.by === by) return `${by} told of ${key} twice`
      // A takeover needs some seconds, and what was sent before the fault may not have been in the log yet.
      if (former && disturbedMs < former.atMs - 1500) return `${key} was told by ${former.by} and ${by}, without a fault between`
      const [id, change] = key.split('#')
      if (change === 'cleared' && !keys.has(`${id}#raised`)) return `the end of ${id} was told before its beginning`
      return undefined
    },
  }
}
