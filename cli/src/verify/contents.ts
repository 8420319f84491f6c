/**
 * What the store gives out of a device, together with a ledger of the same moment. While readings come in, the two are asked one
 * after the other until nothing was stored in between: only then can they be held against each other to the number.
 */

import type { LedgerView } from '@millrace/cloud-processor/web'
import type { Channel, Tally } from '@millrace/contract'
import { ownValue } from '@millrace/platform'
import type { Api } from '../api.ts'
import type { Produced } from './align.ts'

export interface Contents {
  /** By channel, in the order of time. */
  series: Map<string, Produced>
  found: Tally
  ledger: LedgerView
  /** False: readings were stored at every try, so that ledger and contents are of different moments. */
  isSettled: boolean
}

/** Of each device that readings still come from, while others used up what was to be waited in all. */
const agreesLeastMs = 2000

/** Above all times that a store may hold. */
const foreverMs = 8e15

/** How long is waited, ms. What is used up is taken off. */
export interface Patience {
  /** Of all devices together, and a little of each: for what differs and may still be on its way. */
  agreesMs: number
  /** Of each device: for a moment in which nothing is stored. */
  readonly stillMs: number
}

export async function readContents(api: Api, device: string, channels: Channel[], patience: Patience): Promise<Contents> {
  let before = await api.ledger()
  let series = await readAll(api, device, channels)
  const startedMs = Date.now()
  const waitedMs = () => Date.now() - startedMs
  const agreesMs = Math.max(patience.agreesMs, Math.min(agreesLeastMs, patience.stillMs))
  for (;;) {
    const grew = await catchUp(api, device, channels, series)
    const ledger = await api.ledger()
    const found = countOf(series, channels)
    const isStill = grew === 0 && isSame(before, ledger, device)
    const stored = ownValue(ledger.stored, device)?.stored ?? [0, 0]
    const agrees = stored.every((n, k) => n === found[k])
    const isOver = waitedMs() >= (isStill ? agreesMs : patience.stillMs)
    if ((isStill && agrees) || isOver) {
      patience.agreesMs = Math.max(0, patience.agreesMs - waitedMs())
      return { series, found, ledger, isSettled: isStill }
    }
    before = ledger
    if (!isStill) continue
    // Late readings may have come between earlier ones, and some engines show what they took only after a while.
    await new Promise((resolve) => setTimeout(resolve, 500))
    before = await api.ledger()
    series = await readAll(api, device, channels)
  }
}

async function readAll(api: Api, device: string, channels: Channel[]): Promise<Map<string, Produced>> {
  const all = await Promise.all(channels.map((channel) => read(api, device, channel, 0)))
  return new Map(channels.map(({ name }, k) => [name, all[k]!]))
}

/** Adds what is newer than all that a channel has. Returns how much. */
async function catchUp(api: Api, device: string, channels: Channel[], series: Map<string, Produced>): Promise<number> {
  const grown = await Promise.all(
    channels.map(async (channel) => {
      const { t, v } = series.get(channel.name)!
      const last = t.at(-1)
      const fresh = await read(api, device, channel, Math.floor(last ?? 0))
      const isNew = (at: number) => last === undefined || microseconds(at) > microseconds(last)
      const first = fresh.t.findIndex(isNew)
      if (first < 0) return 0
      for (let k = first; k < fresh.t.length; k++) {
        t.push(fresh.t[k]!)
        v.push(fresh.v[k]!)
      }
      return fresh.t.length - first
    }),
  )
  return grown.reduce((sum, count) => sum + count, 0)
}

/** By these every store tells samples apart, however it cuts their segments. */
const microseconds = (ms: number) => Math.round(ms * 1000)

async function read(api: Api, device: string, channel: Channel, fromMs: number): Promise<Produced> {
  if (channel.kind !== 'waveform') {
    const points = await api.exportPoints(device, channel.name, fromMs, foreverMs)
    return { t: points.map(({ t }) => t), v: points.map(({ v }) => v) }
  }
  const series: Produced = { t: [], v: [] }
  for (const { t, i, v } of await api.exportSegments(device, channel.name, fromMs, foreverMs)) {
    for (let k = 0; k < v.length; k++) {
      series.t.push(t + k * i)
      series.v.push(v[k]!)
    }
  }
  return series
}

function countOf(series: Map<string, Produced>, channels: Channel[]): Tally {
  const found: Tally = [0, 0]
  for (const { name, kind } of channels) found[kind === 'waveform' ? 1 : 0] += series.get(name)!.t.length
  return found
}

function isSame(a: LedgerView, b: LedgerView, device: string): boolean {
  const of = ({ stored, devices }: LedgerView) =>
    JSON.stringify([ownValue(stored, device), devices.find((one) => one.device === device)])
  return of(a) === of(b)
}
