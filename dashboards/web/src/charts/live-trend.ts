/** One trend that follows: the past from the store, live readings as they come, and the gaps. */
import type { GapEvent } from '@millrace/cloud-processor/web'
import type { Channel } from '@millrace/contract'
import { effect } from '@preact/signals'
import uPlot from 'uplot'
import type { Device } from '../live/model.ts'
import { nowSecond, serverNow } from '../live/time.ts'
import { colours } from '../theme.ts'
import { appendLive, columnsOf, emptyHistory, loadHistory, type Past } from './history.ts'
import { trendOptions } from './options.ts'

export interface TrendParts {
  /** The chart fills it. */
  box: HTMLElement
  device: Device
  channel: Channel
  rangeMs: number
  /** Says what is under the cursor. */
  read(text: string): void
  /** Says why there is no past; an empty text when there is one. */
  fail(text: string): void
}

const askAfterMs = 700

export class LiveTrend {
  readonly #parts: TrendParts
  readonly #past: Past
  readonly #stops: (() => void)[]
  #history = emptyHistory()
  #chart: uPlot | undefined
  #asking: AbortController | undefined
  /** The past is asked for soon. */
  #wanted: ReturnType<typeof setTimeout> | undefined

  constructor(parts: TrendParts) {
    const { box, device, channel, rangeMs } = parts
    this.#parts = parts
    this.#past = { device, channel: channel.name, rangeMs }
    const observer = new ResizeObserver(() => this.#chart?.setSize({ width: box.clientWidth, height: box.clientHeight }))
    this.#stops = [
      effect(() => {
        colours.value
        this.#redraw()
      }),
      effect(() => {
        if (device.past.value > 0) this.#askSoon()
      }),
      effect(() => this.#follow(nowSecond.value)),
      () => observer.disconnect(),
    ]
    observer.observe(box)
    this.#ask()
  }

  close(): void {
    for (const stop of this.#stops) stop()
    this.#asking?.abort()
    clearTimeout(this.#wanted)
    this.#chart?.destroy()
  }

  #redraw(): void {
    const { box, device, channel, rangeMs, read } = this.#parts
    this.#chart?.destroy()
    const gaps = () => [...this.#history.gaps, ...openGaps(device, channel)]
    this.#chart = new uPlot(trendOptions({ box, channel, rangeMs, gaps, read }), [[], [], [], []], box)
    this.#show()
  }

  #show(): void {
    const chart = this.#chart
    const now = serverNow() / 1000
    chart?.batch(() => {
      chart.setData(columnsOf(this.#history) as uPlot.AlignedData, false)
      chart.setScale('x', { min: now - this.#parts.rangeMs / 1000, max: now })
    })
  }

  /** Once a second; a long range moves less often. */
  #follow(now: number): void {
    if (document.hidden) return
    const { rangeMs } = this.#parts
    appendLive(this.#history, this.#past)
    const { kind, fetchedMs, stepMs } = this.#history
    if (kind === 'steps' && now - fetchedMs > Math.max(10_000, stepMs)) this.#askSoon()
    if (Math.round(now / 1000) % Math.max(1, Math.round(rangeMs / 900_000)) === 0) this.#show()
  }

  #askSoon(): void {
    this.#wanted ??= setTimeout(() => this.#ask(), askAfterMs)
  }

  #ask(): void {
    const { box, fail } = this.#parts
    this.#wanted = undefined
    this.#asking?.abort()
    this.#asking = new AbortController()
    const points = Math.max(100, Math.round(box.clientWidth / 2))
    loadHistory(this.#past, points, this.#asking.signal).then(
      (loaded) => {
        this.#history = loaded
        fail('')
        this.#show()
      },
      (error: Error) => error.name !== 'AbortError' && fail(error.message),
    )
  }
}

function openGaps(device: Device, channel: Channel): GapEvent[] {
  return device.view.value.absences
    .filter((open) => open.channel === '*' || open.channel === channel.name)
    .map((open) => ({ device: device.name, reason: open.reason, fromMs: open.fromMs }))
}
