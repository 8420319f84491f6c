/** Memory and lateness while the attacks run. The live page is read in a thread of its own, which an attack cannot delay. */
import { Worker } from 'node:worker_threads'
import { readManifest } from '@millrace/simulators'
import { residentMB } from '../../support/process-facts.ts'
import { allowedMs, type Buckets } from './live-reader.ts'

export { allowedMs }

export interface Timeliness {
  produced: number
  onTime: number
  worstMs: number
}

export interface LiveWatch {
  /**
   * Of the scalar readings that the manifest says were written to the lines in these whole seconds: how many were on the live
   * page within `allowedMs` of their own time. What never came, or came as history, was not on time.
   */
  timeliness(manifest: string, fromS: number, toS: number): Promise<Timeliness>
  close(): Promise<unknown>
}

export async function watchLive(url: string): Promise<LiveWatch> {
  const worker = new Worker(new URL('./live-reader.ts', import.meta.url), { workerData: url })
  const next = () => new Promise<Buckets>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await next()
  return {
    async timeliness(path, fromS, toS) {
      const answer = next()
      worker.postMessage('buckets')
      const buckets = await answer
      const result = { produced: 0, onTime: 0, worstMs: 0 }
      for (const channels of (await readManifest(path)).scalars.values())
        for (const { t } of channels.values()) for (const at of t) if (at >= fromS * 1000 && at < toS * 1000) result.produced++
      for (let second = fromS; second < toS; second++) {
        const bucket = buckets.get(second)
        result.onTime += bucket?.onTime ?? 0
        result.worstMs = Math.max(result.worstMs, bucket?.worstMs ?? 0)
      }
      result.onTime = Math.min(result.onTime, result.produced)
      return result
    },
    close: () => worker.terminate(),
  }
}

export interface MemoryWatch {
  /** Highest so far since the last mark, by name, in MB. */
  mark(): Record<string, number>
  stop(): void
}

export function watchMemory(pids: Record<string, number>): MemoryWatch {
  let highest: Record<string, number> = {}
  const look = () => {
    for (const [name, pid] of Object.entries(pids)) highest[name] = Math.max(highest[name] ?? 0, residentMB(pid))
  }
  const timer = setInterval(look, 100)
  return {
    mark() {
      look()
      const marked = highest
      highest = {}
      return marked
    },
    stop: () => clearInterval(timer),
  }
}
