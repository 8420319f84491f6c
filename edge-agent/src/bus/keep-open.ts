/**
 * Keeps one line to a device open: what `serial` and `tcp` share.
 *
 *     opening ──ok──► open ──gone, silent──► waiting ──back-off──► opening
 *        └──failed────────────────────────────►┘
 *
 * - A line that is gone, or cannot be opened, is tried again after 100 ms, then twice as long each time, up to 2 s.
 * - A line that brings nothing for `silentMs` is closed and opened again: a hung adapter or a stream that must be asked for
 *   anew. It is told once, until bytes come.
 * - When this process was stopped (its timer is late by more than `stallMs`, by the monotonic clock), what waits in the kernel
 *   is of unknown age: it is discarded, and the time since the last bytes is told as lost.
 */
import { type Clock, every, type Log } from '@millrace/contract/service'
import type { Bus, BusListener } from './bus.ts'

export interface Line {
  write(bytes: Uint8Array): void
  /** Throws away what the kernel holds; false when it cannot: the line is opened anew instead. */
  discard(): Promise<boolean>
  close(): Promise<void>
}

/** Resolves when the line is open and holds nothing from before. Rejects with what a person should read. */
export type OpenLine = (on: { bytes(chunk: Uint8Array): void; gone(detail: string): void }) => Promise<Line>

const backOffMs = { first: 100, most: 2000 }
const tickMs = 250
const stallMs = 1000

export function keepOpen(open: OpenLine, { silentMs }: { silentMs: number }, { clock, log }: { clock: Clock; log: Log }): Bus {
  let listener: BusListener
  let line: Line | undefined
  /** Rises whenever the line is given up; what an older line still says is ignored. */
  let generation = 0
  let stopTick = () => {}
  let cancelRetry = () => {}
  let retryMs = backOffMs.first
  let isLost = false
  let isSilent = false
  let isDiscarding = false
  let lastBytesMs = 0
  /** Monotonic times of the last sign of life of the line, and of the last tick of our own timer. */
  let lastHeard = 0
  let lastTick = 0

  async function attempt(): Promise<void> {
    const mine = ++generation
    try {
      const opened = await open({
        bytes: (chunk) => mine === generation && receive(chunk),
        gone: (detail) => mine === generation && giveUp('unplugged', detail),
      })
      if (mine === generation) ready(opened)
      else await opened.close()
    } catch (error) {
      if (mine === generation) giveUp('unplugged', `${(error as Error).message}`)
    }
  }

  function ready(opened: Line): void {
    line = opened
    retryMs = backOffMs.first
    isLost = isDiscarding = false
    lastHeard = clock.monotonic()
    listener.opened(clock.now())
  }

  function receive(chunk: Uint8Array): void {
    checkStall()
    if (isDiscarding) return
    lastBytesMs = clock.now()
    lastHeard = clock.monotonic()
    isSilent = false
    listener.bytes(chunk, lastBytesMs)
  }

  function giveUp(reason: 'unplugged' | 'silent' | 'stalled', detail: string): void {
    generation++
    const old = line
    line = undefined
    tellLost(reason, detail)
    cancelRetry()
    cancelRetry = clock.after(retryMs, () => void attempt())
    retryMs = Math.min(2 * retryMs, backOffMs.most)
    old?.close().catch((error) => log.warn('closing a lost line failed', { error }))
  }

  function tellLost(reason: 'unplugged' | 'silent' | 'stalled', detail: string): void {
    const isTold = isLost || (reason === 'silent' && isSilent)
    isLost = reason !== 'silent'
    isSilent ||= reason === 'silent'
    if (isTold) return
    listener.lost(lastBytesMs, reason, detail)
  }

  function tick(): void {
    checkStall()
    if (line && !isDiscarding && silentMs > 0 && clock.monotonic() - lastHeard >= silentMs)
      giveUp('silent', `no bytes for ${silentMs} ms`)
  }

  function checkStall(): void {
    const late = clock.monotonic() - lastTick - tickMs
    lastTick = clock.monotonic()
    if (late > stallMs && line && !isDiscarding) void recover(line, `not read for ${Math.round(late + tickMs)} ms`)
  }

  async function recover(stalled: Line, detail: string): Promise<void> {
    const mine = generation
    isDiscarding = true
    listener.lost(lastBytesMs, 'stalled', detail)
    const isClean = await stalled.discard().catch(() => false)
    if (mine !== generation) return
    if (isClean) ready(stalled)
    else {
      isLost = true
      giveUp('stalled', detail)
    }
  }

  return {
    start(toListener) {
      listener = toListener
      lastBytesMs = clock.now()
      lastTick = clock.monotonic()
      stopTick = every(clock, tickMs, tick)
      void attempt()
    },
    write: (bytes) => line?.write(bytes),
    async stop() {
      generation++
      stopTick()
      cancelRetry()
      await line?.close().catch((error) => log.warn('closing a line failed', { error }))
      line = undefined
    },
  }
}
