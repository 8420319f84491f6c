/**
 * Snapshots in a compacted topic, partition n for the stages of partition n.
 *
 *     key     <stage>/<partition>/<log id>/<next>/<random>/<part>/<parts>
 *     value   that part of the state, compressed with zstd; at most 700 kB
 *
 * Every snapshot is a generation of its own (`random`), so a zombie and a new owner cannot touch each other's. It counts only
 * when all its parts are there. Then its writer puts tombstones on the older ones that it wrote or loaded itself. The newest
 * complete one is the one with the highest `next`: whoever wrote it, every output up to `next` was durable before.
 *
 * The log id is the one under which it was taken. In a log made anew the state stays and its input is read from the start.
 */
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import type { LogRecord, Snapshot } from '../log.ts'
import type { At, KafkaClient, KafkaRecord } from './client.ts'
import type { Persistence } from './retry.ts'
import { scan } from './scan.ts'

const partBytes = 700_000
/** An incomplete one of this age will not be completed. */
const abandonedMs = 3_600_000
const pack = promisify(zstdCompress)
const unpack = promisify(zstdDecompress)
const packLevel = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

interface Generation {
  /** Of all keys: all but part and parts. */
  name: string
  log: string
  next: number
  parts: Uint8Array[]
  have: number
  newestMs: number
}

export interface SnapshotsOptions {
  client: KafkaClient
  topic: string
  logId: string
  persistence: Persistence
  append(at: At, records: KafkaRecord[]): Promise<number>
  now(): number
}

export interface Found extends Snapshot {
  /** Taken under another log id. */
  isOfAnotherLog: boolean
}

export function createSnapshots({ client, topic, logId, persistence, append, now }: SnapshotsOptions) {
  /** By stage and partition: generations to be removed once a newer one is durable. */
  const known = new Map<string, { name: string; parts: number; next: number }[]>()

  async function save(stage: string, partition: number, { next, state }: Snapshot): Promise<void> {
    const packed = await pack(state, packLevel)
    const parts = Math.max(1, Math.ceil(packed.length / partBytes))
    const name = `${encodeURIComponent(stage)}/${partition}/${logId}/${next}/${randomBytes(6).toString('hex')}`
    const at = { topic, partition }
    await append(
      at,
      Array.from({ length: parts }, (_, part) => ({
        key: `${name}/${part}/${parts}`,
        value: packed.subarray(part * partBytes, (part + 1) * partBytes),
      })),
    )
    const key = `${stage}/${partition}`
    const all = known.get(key) ?? []
    const isOld = (other: { next: number }) => other.next <= next
    known.set(key, [...all.filter((other) => !isOld(other)), { name, parts, next }])
    const tombstones = all.filter(isOld).flatMap((old) => tombstonesOf(old))
    // If this fails they are found at the next load.
    if (tombstones.length > 0) append(at, tombstones).catch(() => {})
  }

  async function load(stage: string, partition: number): Promise<Found | undefined> {
    const found = new Map<string, Generation>()
    let best: Generation | undefined
    const see = (record: LogRecord) => {
      const cut = record.key.lastIndexOf('/', record.key.lastIndexOf('/') - 1)
      const name = record.key.slice(0, cut)
      if (!name.startsWith(`${encodeURIComponent(stage)}/${partition}/`)) return
      const [part, parts] = record.key
        .slice(cut + 1)
        .split('/')
        .map(Number) as [number, number]
      if (record.value.length === 0) return void found.delete(name)
      const generation = found.get(name) ?? begin(name, parts)
      found.set(name, generation)
      if (!generation.parts[part]) generation.have++
      generation.parts[part] = record.value
      generation.newestMs = record.timeMs
      if (generation.have < parts) return
      const worse = isBetter(generation, best) ? best : generation
      if (worse !== generation) best = generation
      // Nobody will ask for its parts.
      if (worse) worse.parts = new Array(parts)
    }
    await scan(client, { topic, partition }, 0, persistence, see)
    known.set(`${stage}/${partition}`, [...found.values()].filter(isToBeRemoved).map(toKnown))
    if (!best) return undefined
    const state = await unpack(Buffer.concat(best.parts))
    return { next: best.next, state, isOfAnotherLog: best.log !== logId }
  }

  function isBetter(one: Generation, other: Generation | undefined): boolean {
    if (!other) return true
    const isOurs = (generation: Generation) => generation.log === logId
    // Of two at one offset the later one counts: a sink saves there what it decided since.
    return isOurs(one) === isOurs(other) ? one.next >= other.next : isOurs(one)
  }

  const isToBeRemoved = ({ have, parts, newestMs }: Generation) => have === parts.length || now() - newestMs > abandonedMs

  return { save, load }
}

function begin(name: string, parts: number): Generation {
  const [, , log, next] = name.split('/') as [string, string, string, string]
  return { name, log, next: Number(next), parts: new Array(parts), have: 0, newestMs: 0 }
}

const toKnown = ({ name, parts, next }: Generation) => ({ name, parts: parts.length, next })

const tombstonesOf = ({ name, parts }: { name: string; parts: number }): KafkaRecord[] =>
  Array.from({ length: parts }, (_, part) => ({ key: `${name}/${part}/${parts}`, value: null }))
