/** The runs that are compared: what each of their manifests says was produced, and the time in the store that is theirs. */
import type { Channel, Value } from '@millrace/contract'
import { type Manifest, readManifest } from '@millrace/simulators'
import type { Produced } from './align.ts'

export interface Run {
  manifest: Manifest
  /** What the store holds from the first of these times until the second belongs to it. */
  fromMs: number
  toMs: number
  /** A running simulator, or one that was killed: what it produced after this need not be stored yet. */
  settledMs: number
}

const beforeMs = 1000
/** From its end on the next run may begin. */
const afterMs = 2000

/** In the order of their starts; their times do not overlap. */
export async function readRuns(paths: string[], { slackMs, settleMs }: { slackMs: number; settleMs: number }): Promise<Run[]> {
  const manifests = await Promise.all(paths.map(readManifest))
  manifests.sort((a, b) => a.startedMs - b.startedMs)
  return manifests.map((manifest, index) => {
    const next = manifests[index + 1]?.startedMs ?? Number.POSITIVE_INFINITY
    const endMs = endOf(manifest)
    const settledMs = manifest.totals ? Number.POSITIVE_INFINITY : endMs - settleMs
    const toMs = manifest.totals ? endMs + afterMs : settledMs + slackMs
    return { manifest, fromMs: manifest.startedMs - (index === 0 ? beforeMs : 0), toMs: Math.min(toMs, next), settledMs }
  })
}

/** What is stored in the time of the run. */
export function ownOf({ fromMs, toMs }: Run, stored: Produced): Produced {
  return cut(stored, firstAt(stored.t, fromMs), firstAt(stored.t, toMs))
}

export function producedOf({ manifest }: Run, device: string, channel: Channel): Produced {
  const produced: Produced = { t: [], v: [] }
  const column = manifest.scalars.get(device)?.get(channel.name)
  for (let k = 0; k < (column?.t.length ?? 0); k++) add(produced, column!.t[k]!, column!.v[k]!)
  for (const { t, i, v } of manifest.waves.get(device)?.get(channel.name) ?? [])
    for (let k = 0; k < v.length; k++) add(produced, t + k * i, v[k]!)
  return produced
}

function add({ t, v }: Produced, at: number, value: Value): void {
  t.push(at)
  v.push(value)
}

function endOf(manifest: Manifest): number {
  let last = manifest.startedMs
  for (const channels of manifest.scalars.values()) for (const { t } of channels.values()) last = Math.max(last, t.at(-1) ?? 0)
  for (const channels of manifest.waves.values()) {
    for (const segments of channels.values()) {
      const end = segments.at(-1)
      if (end) last = Math.max(last, end.t + end.v.length * end.i)
    }
  }
  return last
}

/** Place of the first time that is not before this one. */
export function firstAt(t: number[], ms: number): number {
  let from = 0
  let to = t.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (t[middle]! < ms) from = middle + 1
    else to = middle
  }
  return from
}

export const cut = ({ t, v }: Produced, from: number, to: number): Produced => ({ t: t.slice(from, to), v: v.slice(from, to) })
