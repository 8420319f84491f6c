/**
 * Keeps one line to a device open: what `serial` and `tcp` share.
 *
 *     opening ──ok──► open ──gone, silent──► waiting ──back-off──► opening
 *        └──failed────────────────────────────►┘
 *
 * - A line that is gone, or cannot be opened, is tried again after 100 ms, then twice as long each time, up to 1 s: a device that is plugged in is read within two.
 * - A line that brings nothing for `silentMs` is closed and opened again: a hung adapter, or a stream that must be requested
 *   once more. It is told once, until bytes come.
 * - When this process was stopped (its timer is late by more than `stallMs`, by the monotonic clock), what waits in the kernel
 *   is of unknown age: it is discarded, and the time since the last bytes is told as lost.
 */
import { backOffMs, type Clock, every, type Log } from '@millrace/platform'
import { type Bus, type BusListener, type Hindrance, PortUnavailable } from './bus.ts'

export interface Line {
  write(bytes: Uint8Array): void
  /** Rejects when the other end is gone. Called while nothing comes, for lines that do not always tell by themselves. */
  check?(): Promise<void>
  /** Throws away what the kernel holds; false when it cannot: the line is then closed and opened. */
  discard(): Promise<boolean>
  close(): Promise<void>
}

/** Resolves when the line is open and holds nothing from before. Rejects with what a person should read. */
export type OpenLine = (on: { bytes(chunk: Uint8Array): void; gone(detail: string): void }) => Promise<Line>

const pauseMs = { first: 100, most: 1000 }
const tickMs = 250
const stallMs = 1000

export function keepOpen(open: OpenLine, { silentMs }: { silentMs: number }, context: { clock: Clock; log: Log }): Bus {
  return new KeptLine({ ...context, open, silentMs })
}

interface LineContext {
  open: OpenLine
  silentMs: number
  clock: Clock
  log: Log
}

type LossReason = Parameters<BusListener['lost']>[1]

class KeptLine implements Bus {
  private readonly context: LineContext
  private listener!: BusListener
  private line: Line | undefined
  /** Rises whenever the line is given up; what an older line still says is ignored. */
  private generation = 0
  private stopTick = () => {}
  private cancelRetry = () => {}
  private failures = 0
  private isLost = false
  private lostReason: LossReason | undefined
  private lostWhy: Hindrance | undefined
  private isSilent = false
  private isDiscarding = false
  private lastBytesMs = 0
  /** Monotonic times of the last sign of life of the line, and of the last tick of our own timer. */
  private lastHeardMs = 0
  private lastTickMs = 0

  constructor(context: LineContext) {
    this.context = context
  }

  start(listener: BusListener): void {
    const { clock } = this.context
    this.listener = listener
    this.lastBytesMs = clock.now()
    this.lastTickMs = clock.monotonic()
    this.stopTick = every(clock, tickMs, () => this.tick())
    void this.attempt()
  }

  write(bytes: Uint8Array): void {
    this.line?.write(bytes)
  }

  async stop(): Promise<void> {
    this.generation++
    this.stopTick()
    this.cancelRetry()
    await this.line?.close().catch((error) => this.context.log.warn('closing a line failed', { error }))
    this.line = undefined
  }

  private async attempt(): Promise<void> {
    const mine = ++this.generation
    try {
      const opened = await this.context.open({
        bytes: (chunk) => mine === this.generation && this.receive(chunk),
        gone: (detail) => mine === this.generation && this.giveUp('unplugged', detail),
      })
      if (mine === this.generation) this.ready(opened)
      else await opened.close()
    } catch (error) {
      if (mine === this.generation) this.failed(error as Error)
    }
  }

  private ready(opened: Line): void {
    const { clock } = this.context
    this.line = opened
    this.failures = 0
    this.isLost = this.isDiscarding = false
    this.lastHeardMs = clock.monotonic()
    this.listener.opened(clock.now())
  }

  private receive(chunk: Uint8Array): void {
    const { clock } = this.context
    this.checkStall()
    if (this.isDiscarding) return
    this.lastBytesMs = clock.now()
    this.lastHeardMs = clock.monotonic()
    this.isSilent = false
    this.listener.bytes(chunk, this.lastBytesMs)
  }

  private failed(error: Error): void {
    if (error instanceof PortUnavailable) this.giveUp('unavailable', error.message, error.why)
    else this.giveUp('unplugged', error.message)
  }

  private giveUp(reason: LossReason, detail: string, why?: Hindrance): void {
    const { clock, log } = this.context
    const old = this.line
    this.generation++
    this.line = undefined
    this.tellLost(reason, detail, why)
    this.cancelRetry()
    this.cancelRetry = clock.after(backOffMs(++this.failures, pauseMs.first, pauseMs.most), () => void this.attempt())
    old?.close().catch((error) => log.warn('closing a lost line failed', { error }))
  }

  private tellLost(reason: LossReason, detail: string, why?: Hindrance): void {
    const isTold = (this.isLost && !this.isAnother(reason, why)) || (reason === 'silent' && this.isSilent)
    this.isLost = reason !== 'silent'
    if (this.isLost) this.lostReason = reason
    this.lostWhy = why
    this.isSilent ||= reason === 'silent'
    if (!isTold) this.listener.lost(this.lastBytesMs, reason, detail, why)
  }

  /** A port that another program held is unplugged now, or the other way round; or it is free, and may not be opened. */
  private isAnother(reason: LossReason, why: Hindrance | undefined): boolean {
    if (reason === 'unavailable' && this.lostReason === reason) return why !== this.lostWhy
    return reason !== this.lostReason && [reason, this.lostReason].includes('unavailable')
  }

  private tick(): void {
    const { silentMs, clock } = this.context
    this.checkStall()
    this.checkLine()
    if (this.line && !this.isDiscarding && silentMs > 0 && clock.monotonic() - this.lastHeardMs >= silentMs)
      this.giveUp('silent', `no bytes for ${silentMs} ms`)
  }

  /** Bytes that come say enough. */
  private checkLine(): void {
    if (this.isDiscarding || this.context.clock.monotonic() - this.lastHeardMs < tickMs) return
    const mine = this.generation
    this.line?.check?.().catch((error: Error) => mine === this.generation && this.giveUp('unplugged', error.message))
  }

  private checkStall(): void {
    const nowMs = this.context.clock.monotonic()
    const passedMs = nowMs - this.lastTickMs
    this.lastTickMs = nowMs
    if (passedMs - tickMs > stallMs && this.line && !this.isDiscarding)
      void this.recover(this.line, `not read for ${Math.round(passedMs)} ms`)
  }

  private async recover(stalled: Line, detail: string): Promise<void> {
    const mine = this.generation
    this.isDiscarding = true
    this.listener.lost(this.lastBytesMs, 'stalled', detail)
    const isClean = await stalled.discard().catch(() => false)
    if (mine !== this.generation) return
    if (isClean) return this.ready(stalled)
    this.isLost = true
    this.giveUp('stalled', detail)
  }
}
