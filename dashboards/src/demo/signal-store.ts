/** The demo's history: signals worked out when asked for, as if a store had kept them. For the demo and its test only. */
import type { WebOptions } from '@millrace/cloud-processor/web'
import { ward } from './ward.ts'

type StoreReader = WebOptions['store']
type Stretch = Parameters<StoreReader['points']>[0]
export type Gap = Awaited<ReturnType<StoreReader['gaps']>>[number]
type LedgerRow = Awaited<ReturnType<StoreReader['ledger']>>[number]

export interface DemoHistory {
  startMs: number
  now(): number
  gaps: Gap[]
  ledger(): LedgerRow[]
}

export function createSignalStore({ startMs, now, gaps, ledger }: DemoHistory): StoreReader {
  const find = (name: string) => ward.find(({ device }) => device === name)!
  const absent = (device: string, t: number) =>
    gaps.some((gap) => gap.device === device && t >= gap.fromMs && t <= (gap.toMs ?? Number.POSITIVE_INFINITY))
  const times = function* (from: number, to: number, stepMs: number) {
    const end = Math.min(to, now() - 400)
    for (let t = Math.ceil(Math.max(from, startMs) / stepMs) * stepMs; t <= end; t += stepMs) yield t
  }
  const pointsOf = ({ device: name, channel, fromMs, toMs }: Stretch) => {
    const device = find(name)
    const found: { t: number; v: number }[] = []
    for (const t of times(fromMs, toMs, 1000)) {
      const v = absent(name, t) ? undefined : device.scalar(channel, t)
      if (v !== undefined) found.push({ t, v })
    }
    return found
  }
  return {
    refresh: async () => {},
    devices: async () => ward.map(({ device, subject, node, channels }) => ({ device, subject, node, channels })),
    async points(of, limit = 100_000) {
      const found = pointsOf(of).slice(0, limit)
      return { t: found.map(({ t }) => t), v: found.map(({ v }) => v) }
    },
    async segments({ device, channel, fromMs, toMs }) {
      const one = find(device)
      const i = one.channels.find(({ name }) => name === channel)!.intervalMs!
      const t = [...times(fromMs, toMs, i)].filter((at) => !absent(device, at))
      return t.length === 0 ? [] : [{ t: t[0]!, i, v: t.map((at) => one.sample!(channel, at)) }]
    },
    async rollUp(of, stepMs) {
      const steps = Map.groupBy(pointsOf(of), ({ t }) => Math.floor(t / stepMs) * stepMs)
      const rows = [...steps].map(([t, points]) => ({ t, v: points.map(({ v }) => v) }))
      return {
        t: rows.map(({ t }) => t),
        count: rows.map(({ v }) => v.length),
        min: rows.map(({ v }) => Math.min(...v)),
        max: rows.map(({ v }) => Math.max(...v)),
        sum: rows.map(({ v }) => v.reduce((a, b) => a + b)),
        last: rows.map(({ v }) => v.at(-1)!),
      }
    },
    gaps: async (device, from, to) =>
      gaps.filter((gap) => (!device || gap.device === device) && gap.fromMs <= to && (gap.toMs ?? to) >= from),
    corrections: async () => [],
    events: async () => [],
    ledger: async () => ledger(),
    totals: async () =>
      Object.fromEntries(
        ledger().map((row) => [
          row.device,
          { stored: row.stored, collapsed: row.collapsed, expired: row.expired, firstMs: startMs, lastMs: now() },
        ]),
      ),
  }
}
