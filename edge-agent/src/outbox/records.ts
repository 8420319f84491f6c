/**
 * The small records, by key:
 *
 * | key | value |
 * |---|---|
 * | `bdSeq` | the birth/death sequence number used last |
 * | `nextAlias` | the alias to be given next; never goes back |
 * | `declaration/<id>` | JSON Declaration: the alias table of a device, as it was when some batch was written |
 * | `stream/<stream>` | the last number used of a stream whose closing ledger record is not written yet |
 * | `counts/<stream>/<device>` | JSON EdgeCounts of such a stream |
 * | `last/<device>` | time of the last reading made durable, epoch ms, over all streams |
 * | `given/<device>` | JSON Stretches: where durable readings have their times; the one of the last reading has grown up to it |
 * | `gap` | JSON PendingGap, see gap.ts |
 * | `rules` | JSON of what the rules on the gateway know, see ../rules/memory.ts |
 * | `clock/<key>` | what others of the agent keep here: see ../clock/clocks.ts |
 */
import type { EdgeCounts } from '@millrace/contract'
import type { Declaration } from '@millrace/contract/sparkplug'
import { grownTo, type Stretches } from '../stretches.ts'
import type { PendingGap } from './gap.ts'

export const keys = {
  bdSeq: 'bdSeq',
  nextAlias: 'nextAlias',
  gap: 'gap',
  rules: 'rules',
  clock: (key: string) => `clock/${key}`,
  lastMs: (device: string) => `last/${device}`,
  given: (device: string) => `given/${device}`,
  declaration: (id: string) => `declaration/${id}`,
  stream: (stream: string) => `stream/${stream}`,
  counts: (stream: string, device: string) => `counts/${stream}/${device}`,
}

/** An earlier stream that ended without its closing ledger record. */
export interface OpenStream {
  stream: string
  last: number
  counts: Map<string, EdgeCounts>
}

export interface Records {
  bdSeq: number | undefined
  nextAlias: number | undefined
  gap: PendingGap
  declarations: Declaration[]
  streams: OpenStream[]
  lastMs: Map<string, number>
  given: Map<string, Stretches>
  clock: Map<string, string>
}

/** Of an outbox from before stretches were kept: so much time before the last reading is taken for given. */
const givenMsDefault = 3_600_000

export function parseRecords(small: Map<string, string>): Records {
  const json = <T>(key: string): T | undefined => (small.has(key) ? (JSON.parse(small.get(key)!) as T) : undefined)
  const declarations: Declaration[] = []
  const streams = new Map<string, OpenStream>()
  const lastMs = new Map<string, number>()
  const clock = new Map<string, string>()
  for (const [key, value] of small) {
    if (key.startsWith('declaration/')) declarations.push(JSON.parse(value))
    if (key.startsWith('clock/')) clock.set(key.slice('clock/'.length), value)
    if (key.startsWith('last/')) lastMs.set(key.slice('last/'.length), Number(value))
    const [, name] = /^stream\/(.*)$/.exec(key) ?? []
    if (name !== undefined) streams.set(name, { stream: name, last: Number(value), counts: new Map() })
  }
  for (const [key, value] of small) {
    const [, stream, device] = /^counts\/([^/]*)\/(.*)$/s.exec(key) ?? []
    if (stream !== undefined) streams.get(stream)?.counts.set(device!, JSON.parse(value))
  }
  return {
    bdSeq: json(keys.bdSeq),
    nextAlias: json(keys.nextAlias),
    gap: json(keys.gap) ?? [],
    declarations,
    streams: [...streams.values()],
    lastMs,
    clock,
    given: new Map(
      [...lastMs].map(([device, ms]) => [device, grownTo(json(keys.given(device)) ?? [[ms - givenMsDefault, ms]], ms)]),
    ),
  }
}
