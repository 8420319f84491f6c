/**
 * When a device could not be read, as measured: from the fault to the agent's log line `device open` after it.
 *
 * | fault | outage of a device |
 * |---|---|
 * | agent killed | from the kill until the next agent has its line open |
 * | agent stopped | the stop; and when it was so long that the agent threw away what the kernel held, until it is open again |
 * | unplugged | from the unplug until the agent has the line open again |
 * | none | the machine itself held the agent up: `noise`; from when the agent says that it last read, until it is open |
 */

import type { Strike } from '../faults.ts'
import type { LineEvent } from '../observer.ts'

export interface Outage {
  device: string
  why: string
  fromMs: number
  toMs: number
}

/** A stop is noticed by the agent's timers soon after it. */
const noticeMs = 2000

export function findOutages(
  strikes: Strike[],
  lines: LineEvent[],
  devicesOf: (agent: string) => string[],
  started: { atMs: number; endMs: number },
): Outage[] {
  const events = Map.groupBy(
    lines.toSorted((a, b) => a.atMs - b.atMs),
    ({ device }) => device,
  )
  const openAfter = (device: string, atMs: number) =>
    events.get(device)?.find((event) => event.kind === 'open' && event.atMs >= atMs)?.atMs ?? started.endMs
  const outages: Outage[] = []
  for (const device of events.keys())
    outages.push({ device, why: 'start', fromMs: started.atMs, toMs: openAfter(device, started.atMs) })
  for (const { kind, target, fromMs, toMs = started.endMs } of strikes) {
    if (kind === 'pty unplug') outages.push({ device: target, why: kind, fromMs, toMs: openAfter(target, toMs) })
    if (kind === 'kill -9 agent')
      for (const device of devicesOf(target)) outages.push({ device, why: kind, fromMs, toMs: openAfter(device, fromMs) })
    if (kind === 'SIGSTOP agent') {
      for (const device of devicesOf(target)) {
        const lost = events.get(device)?.find((e) => e.kind === 'lost' && e.atMs >= fromMs && e.atMs <= toMs + noticeMs)
        outages.push({ device, why: kind, fromMs, toMs: lost ? openAfter(device, Math.max(toMs, lost.atMs)) : toMs })
      }
    }
  }
  return [...outages, ...noise(events, outages, openAfter, started.endMs)]
}

function noise(
  events: Map<string, LineEvent[]>,
  outages: Outage[],
  openAfter: (device: string, atMs: number) => number,
  endMs: number,
): Outage[] {
  const found: Outage[] = []
  for (const [device, list] of events) {
    for (const { kind, atMs, detail } of list) {
      const isKnown = outages.some((one) => one.device === device && atMs >= one.fromMs && atMs <= one.toMs + noticeMs)
      if (kind !== 'lost' || isKnown || atMs >= endMs) continue
      const stalledMs = Number(/not read for (\d+) ms/.exec(detail)?.[1] ?? 0)
      found.push({ device, why: `noise: ${detail}`, fromMs: atMs - stalledMs, toMs: openAfter(device, atMs) })
    }
  }
  return found
}

/** Length of the union. */
export function unionMs(spans: { fromMs: number; toMs: number }[]): number {
  let total = 0
  let end = Number.NEGATIVE_INFINITY
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    total += Math.max(0, toMs - Math.max(fromMs, end))
    end = Math.max(end, toMs)
  }
  return total
}
