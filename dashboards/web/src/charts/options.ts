/** How a trend is drawn: mean line, least-to-most band, hatched absences with their reason. */
import type { GapEvent } from '@millrace/cloud-processor/web'
import type { Channel } from '@millrace/contract'
import type uPlot from 'uplot'
import { reasonText, timeText, valueText } from '../format.ts'
import { serverNow } from '../live/time.ts'
import { hatchPattern } from '../traces/surface.ts'

export interface Drawn {
  /** Whose size and colours the chart takes. */
  box: HTMLElement
  channel: Channel
  rangeMs: number
  gaps(): GapEvent[]
  /** Says what is under the cursor. */
  read(text: string): void
}

interface Style {
  ink: string
  soft: string
  hatch: string
  font: string
}

export function trendOptions(drawn: Drawn): uPlot.Options {
  const { box, channel } = drawn
  const computed = getComputedStyle(box)
  const [soft, line, hatch] = ['--ink-soft', '--line', '--hatch'].map((name) => computed.getPropertyValue(name)) as [
    string,
    string,
    string,
  ]
  const style = { ink: computed.color, soft, hatch, font: `11px ${computed.fontFamily}` }
  const bound = { stroke: 'transparent', width: 0, points: { show: false } }
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    cursor: { sync: { key: 'trends' }, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    padding: [6, 6, 0, 0],
    scales: { x: { time: true }, y: { range: (_, low, high) => yRange(low, high, channel) } },
    axes: axesOf(style, line, drawn.rangeMs),
    series: [{}, { stroke: style.ink, width: 1.6, points: { show: false } }, bound, { ...bound }],
    bands: [{ series: [3, 2], fill: withAlpha(style.ink, 0.18) }],
    hooks: {
      setCursor: [(chart) => drawn.read(readingAt(chart, channel))],
      drawClear: [(chart) => drawGaps(chart, drawn.gaps(), style)],
    },
  }
}

function axesOf({ soft, font }: Style, line: string, rangeMs: number): uPlot.Axis[] {
  const axis = { stroke: soft, font, grid: { stroke: line, width: 1 }, ticks: { show: false }, gap: 4 }
  return [
    { ...axis, size: 22, space: 70, values: (_, ticks) => ticks.map((at) => timeLabel(at, rangeMs)) },
    { ...axis, size: 46, space: 28 },
  ]
}

/** In words: what is under the cursor. */
function readingAt({ cursor, data }: uPlot, channel: Channel): string {
  const [at, mean, min, max] = [0, 1, 2, 3].map((column) => (cursor.idx == null ? undefined : data[column]?.[cursor.idx]))
  if (at == null) return ''
  const text = (raw: number | null | undefined) => (raw == null ? 'no data' : valueText(raw, channel))
  const spread = min != null && max != null && min !== max ? ` (${text(min)} to ${text(max)})` : ''
  return `${timeText(at * 1000)}  ${text(mean)}${spread}`
}

function drawGaps(chart: uPlot, gaps: GapEvent[], style: Style): void {
  const { ctx: context, bbox } = chart
  context.save()
  context.beginPath()
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  context.clip()
  const pattern = hatchPattern(context, style.hatch, devicePixelRatio)
  for (const { fromMs, toMs, reason } of gaps) {
    const x = Math.max(bbox.left, chart.valToPos(fromMs / 1000, 'x', true))
    const end = Math.min(bbox.left + bbox.width, chart.valToPos((toMs ?? serverNow()) / 1000, 'x', true))
    if (!(end > bbox.left) || !(x < bbox.left + bbox.width)) continue
    context.fillStyle = pattern
    context.fillRect(x, bbox.top, Math.max(1, end - x), bbox.height)
    context.font = style.font.replace('11px', `${11 * devicePixelRatio}px`)
    const text = reasonText(reason)
    if (context.measureText(text).width + 10 * devicePixelRatio > end - x) continue
    context.fillStyle = style.soft
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
