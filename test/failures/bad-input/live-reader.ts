/** Worker: follows /api/live and sorts live scalar readings by the second of their own time into on time and late. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

/** A reading is on time when the live page has it within this, from its own time. */
export const allowedMs = 1000
/** By second of the readings' time. */
export type Buckets = Map<number, { onTime: number; late: number; worstMs: number }>

/** Devices of the attacks do not belong to the healthy traffic. */
const isHealthy = (device: string) => /^(oximeter|amplifier|gps)/.test(device)

if (!isMainThread) void follow(new URL('/api/live?waves=', workerData as string))

async function follow(url: URL): Promise<void> {
  const buckets: Buckets = new Map()
  parentPort!.on('message', () => parentPort!.postMessage(buckets))
  const answer = await fetch(url)
  parentPort!.postMessage(buckets)
  let text = ''
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    const nowMs = Date.now()
    const events = (text + chunk).split('\n\n')
    text = events.pop()!
    for (const event of events) if (event.startsWith('event: values\n')) take(event.slice('event: values\ndata: '.length), nowMs)
  }

  function take(json: string, nowMs: number): void {
    const { device, channels } = JSON.parse(json) as { device: string; channels: Record<string, { t: number[] }> }
    if (!isHealthy(device)) return
    for (const { t } of Object.values(channels)) for (const at of t) count(at, nowMs - at)
  }

  function count(at: number, tookMs: number): void {
    const second = Math.floor(at / 1000)
    const bucket = buckets.get(second) ?? { onTime: 0, late: 0, worstMs: 0 }
    buckets.set(second, bucket)
    if (tookMs <= allowedMs) bucket.onTime++
    else bucket.late++
    bucket.worstMs = Math.max(bucket.worstMs, tookMs)
  }
}
