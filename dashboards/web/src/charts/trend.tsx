/** One scalar channel over time: mean line, least-to-most band, hatched absences with their reason. */
import type { GapEvent } from '@millrace/cloud-processor/web'
import type { Channel } from '@millrace/contract'
import { effect } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { hueOf } from '../channels.ts'
import { channelText, reasonText, timeText, unitText, valueText } from '../format.ts'
import type { Device } from '../live/model.ts'
import { nowSecond, serverNow } from '../live/time.ts'
import { colours } from '../theme.ts'
import { hatchPattern } from '../traces/surface.ts'
import { appendLive, columnsOf, emptyHistory, loadHistory } from './history.ts'

interface TrendProps {
  device: Device
  channel: Channel
  rangeMs: number
}

export function Trend({ device, channel, rangeMs }: TrendProps) {
  const box = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLSpanElement>(null)
  const [failed, setFailed] = useState('')
  useEffect(
    () => followTrend(box.current!, readout.current!, device, channel, rangeMs, setFailed),
    [device, channel.name, rangeMs],
  )
  const unit = unitText(channel.unit)
  return (
    <figure class={`trend hue-${hueOf(channel)}`}>
      <figcaption>
        <b>{channelText(channel.name)}</b> {unit && <span class="soft">{unit}</span>}
        <span class="trend-readout" ref={readout} />
        {failed && <span class="wants"> {failed}</span>}
      </figcaption>
      <div ref={box} class="trend-box" />
    </figure>
  )
}

function followTrend(
  box: HTMLElement,
  readout: HTMLElement,
  device: Device,
  channel: Channel,
  rangeMs: number,
  fail: (text: string) => void,
): () => void {
  let history = emptyHistory()
  let chart: uPlot | undefined
  let asking: AbortController | undefined
  let wanted: ReturnType<typeof setTimeout> | undefined

  const show = () => {
    const now = serverNow() / 1000
    chart?.batch(() => {
      chart!.setData(columnsOf(history) as uPlot.AlignedData, false)
      chart!.setScale('x', { min: now - rangeMs / 1000, max: now })
    })
  }
  const ask = () => {
    wanted = undefined
    asking?.abort()
    asking = new AbortController()
    const points = Math.max(100, Math.round(box.clientWidth / 2))
    loadHistory(device, channel.name, rangeMs, points, asking.signal).then(
      (loaded) => {
        history = loaded
        fail('')
        show()
      },
      (error: Error) => error.name !== 'AbortError' && fail(error.message),
    )
  }
  const askSoon = () => {
    wanted ??= setTimeout(ask, 700)
  }

  const redraw = () => {
    chart?.destroy()
    chart = new uPlot(
      trendOptions(box, readout, channel, rangeMs, () => [...history.gaps, ...openGaps(device, channel)]),
      [[], [], [], []],
      box,
    )
    show()
  }
  const stops = [
    effect(() => {
      colours.value
      redraw()
    }),
    effect(() => {
      if (device.past.value > 0) askSoon()
    }),
    effect(() => {
      const now = nowSecond.value
      if (document.hidden) return
      appendLive(history, device, channel.name, rangeMs)
      if (history.kind === 'steps' && now - history.fetchedMs > Math.max(10_000, history.stepMs)) askSoon()
      if (Math.round(now / 1000) % Math.max(1, Math.round(rangeMs / 900_000)) === 0) show()
    }),
  ]
  const observer = new ResizeObserver(() => chart?.setSize({ width: box.clientWidth, height: box.clientHeight }))
  observer.observe(box)
  ask()
  return () => {
    for (const stop of stops) stop()
    observer.disconnect()
    asking?.abort()
    clearTimeout(wanted)
    chart?.destroy()
  }
}

function openGaps(device: Device, channel: Channel): GapEvent[] {
  return device.view.value.absences
    .filter((open) => open.channel === '*' || open.channel === channel.name)
    .map((open) => ({ device: device.name, reason: open.reason, fromMs: open.fromMs }))
}

function trendOptions(
  box: HTMLElement,
  readout: HTMLElement,
  channel: Channel,
  rangeMs: number,
  gaps: () => GapEvent[],
): uPlot.Options {
  const style = getComputedStyle(box)
  const ink = style.color
  const soft = style.getPropertyValue('--ink-soft')
  const grid = { stroke: style.getPropertyValue('--line'), width: 1 }
  const font = `11px ${style.fontFamily}`
  const axis = { stroke: soft, font, grid, ticks: { show: false }, gap: 4 }
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    cursor: { sync: { key: 'trends' }, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    padding: [6, 6, 0, 0],
    scales: { x: { time: true }, y: { range: (_, low, high) => yRange(low, high, channel) } },
    axes: [
      { ...axis, size: 22, space: 70, values: (_, ticks) => ticks.map((at) => timeLabel(at, rangeMs)) },
      { ...axis, size: 46, space: 28 },
    ],
    series: [
      {},
      { stroke: ink, width: 1.6, points: { show: false } },
      { stroke: 'transparent', width: 0, points: { show: false } },
      { stroke: 'transparent', width: 0, points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: withAlpha(ink, 0.18) }],
    hooks: {
      setCursor: [
        (chart) => {
          readout.textContent = readingAt(chart, channel)
        },
      ],
      drawClear: [(chart) => drawGaps(chart, gaps(), style.getPropertyValue('--hatch'), soft, font)],
    },
  }
}

/** What stands under the cursor, in words beside the chart's name. */
function readingAt({ cursor, data }: uPlot, channel: Channel): string {
  const [at, mean, min, max] = [0, 1, 2, 3].map((column) => (cursor.idx == null ? undefined : data[column]?.[cursor.idx]))
  if (at == null) return ''
  const text = (raw: number | null | undefined) => (raw == null ? 'no data' : valueText(raw, channel))
  const spread = min != null && max != null && min !== max ? ` (${text(min)} to ${text(max)})` : ''
  return `${timeText(at * 1000)}  ${text(mean)}${spread}`
}

function drawGaps(chart: uPlot, gaps: GapEvent[], colour: string, ink: string, font: string): void {
  const { ctx: context, bbox } = chart
  context.save()
  context.beginPath()
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  context.clip()
  const pattern = hatchPattern(context, colour, devicePixelRatio)
  for (const { fromMs, toMs, reason } of gaps) {
    const x = Math.max(bbox.left, chart.valToPos(fromMs / 1000, 'x', true))
    const end = Math.min(bbox.left + bbox.width, chart.valToPos((toMs ?? serverNow()) / 1000, 'x', true))
    if (!(end > bbox.left) || !(x < bbox.left + bbox.width)) continue
    context.fillStyle = pattern
    context.fillRect(x, bbox.top, Math.max(1, end - x), bbox.height)
    context.font = font.replace('11px', `${11 * devicePixelRatio}px`)
    const text = reasonText(reason)
    if (context.measureText(text).width + 10 * devicePixelRatio > end - x) continue
    context.fillStyle = ink
    context.fillText(text, x + 5 * devicePixelRatio, bbox.top + 14 * devicePixelRatio)
  }
  context.restore()
}

/** A quiet channel must not look wild: at least a few per cent of the value, or of the declared range. */
function yRange(low: number, high: number, channel: Channel): [number, number] {
  if (low === null || high === null) return channel.range ?? [0, 1]
  const [least, most] = channel.range ?? [low, high]
  const room = Math.max(high - low, (most - least) * 0.06, Math.abs(high) * 0.02, 1e-6)
  const middle = (low + high) / 2
  return [middle - room * 0.62, middle + room * 0.62]
}

function timeLabel(atS: number, rangeMs: number): string {
  return rangeMs <= 900_000 ? timeText(atS * 1000) : timeText(atS * 1000).slice(0, 5)
}

function withAlpha(colour: string, alpha: number): string {
  return colour.replace(
    /rgba?\(([^)]+)\)/,
    (_, parts: string) =>
      `rgba(${parts
        .split(/[ ,/]+/)
        .slice(0, 3)
        .join(', ')}, ${alpha})`,
  )
}
