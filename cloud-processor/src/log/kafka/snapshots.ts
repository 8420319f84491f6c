/**
 * Snapshots in a compacted topic, partition n for the stages of partition n.
 *
 *     key     <stage>/<partition>/<log id>/<next>/<random>/<part>/<parts>
 *     value   that part of the state, compressed with zstd; at most 700 kB
 *
 * Every snapshot is a generation of its own (`random`), so a zombie and a new owner cannot touch each other's. It counts only
 * when all its parts are there. Then its writer puts tombstones on the older ones that it wrote or loaded itself. The newest
 * complete one is the one with the highest `next`: of any writer, for every output up to `next` was durable before it.
 *
 * The log id is the one under which it was taken. In new topics the state stays and its input is read from the start.
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

export function createSnapshots(options: SnapshotsOptions): Snapshots {
  return new Snapshots(options)
}

export class Snapshots {
  readonly #options: SnapshotsOptions
  /** By stage and partition: generations to be removed once a newer one is durable. */
  readonly #known = new Map<string, Known[]>()

  constructor(options: SnapshotsOptions) {
    this.#options = options
  }

  async save(stage: string, partition: number, { next, state }: Snapshot): Promise<void> {
    const { topic, logId, append } = this.#options
    const packed = await pack(state, packLevel)
    const parts = Math.max(1, Math.ceil(packed.length / partBytes))
    const name = `${encodeURIComponent(stage)}/${partition}/${logId}/${next}/${randomBytes(6).toString('hex')}`
    const at = { topic, partition }
    await append(at, recordsOf(name, packed, parts))
    const key = `${stage}/${partition}`
    const all = this.#known.get(key) ?? []
    const isOld = (other: Known) => other.next <= next
    this.#known.set(key, [...all.filter((other) => !isOld(other)), { name, parts, next }])
    const tombstones = all.filter(isOld).flatMap(tombstonesOf)
    // If this fails they are found at the next load.
    if (tombstones.length > 0) append(at, tombstones).catch(() => {})
  }

  async load(stage: string, partition: number): Promise<Found | undefined> {
    const { client, topic, logId, persistence, now } = this.#options
    const search: Search = { prefix: `${encodeURIComponent(stage)}/${partition}/`, logId, found: new Map(), best: undefined }
    await scan(client, { topic, partition, from: 0 }, persistence, (record) => see(search, record))
    const isToBeRemoved = ({ have, parts, newestMs }: Generation) => have === parts.length || now() - newestMs > abandonedMs
    this.#known.set(`${stage}/${partition}`, [...search.found.values()].filter(isToBeRemoved).map(toKnown))
    const { best } = search
    if (!best) return undefined
    const state = await unpack(Buffer.concat(best.parts))
    return { next: best.next, state, isOfAnotherLog: best.log !== logId }
  }
}

interface Known {
  name: string
  parts: number
  next: number
}

function recordsOf(name: string, packed: Uint8Array, parts: number): KafkaRecord[] {
  return Array.from({ length: parts }, (_, part) => ({
    key: `${name}/${part}/${parts}`,
    value: packed.subarray(part * partBytes, (part + 1) * partBytes),
  }))
}

/** The generations of a stage's partition, as they are read, and the best of the complete ones. */
interface Search {
  prefix: string
  logId: string
  found: Map<string, Generation>
  best: Generation | undefined
}

function see(search: Search, { key, value, timeMs }: LogRecord): void {
  const cut = key.lastIndexOf('/', key.lastIndexOf('/') - 1)
  const name = key.slice(0, cut)
  if (!name.startsWith(search.prefix)) return
  const [part, parts] = key
    .slice(cut + 1)
    .split('/')
    .map(Number) as [number, number]
  if (value.length === 0) return void search.found.delete(name)
  const generation = search.found.get(name) ?? begin(name, parts)
  search.found.set(name, generation)
  generation.newestMs = timeMs
  // An append whose answer was lost is made again: its parts may be there twice.
  if (generation.have === parts || generation.parts[part]) return
  generation.parts[part] = value
  if (++generation.have === parts) complete(search, generation)
}

function complete(search: Search, generation: Generation): void {
  const worse = isBetter(search, generation) ? search.best : generation
  if (worse !== generation) search.best = generation
  // Nobody will ask for its parts.
  if (worse) worse.parts = new Array(worse.parts.length)
}

function isBetter({ best, logId }: Search, one: Generation): boolean {
  if (!best) return true
  const isOurs = ({ log }: Generation) => log === logId
  // Of two at one offset the later one counts: a sink saves there what it decided since.
  return isOurs(one) === isOurs(best) ? one.next >= best.next : isOurs(one)
}

function begin(name: string, parts: number): Generation {
  const [, , log, next] = name.split('/') as [string, string, string, string]
  return { name, log, next: Number(next), parts: new Array(parts), have: 0, newestMs: 0 }
}

const toKnown = ({ name, parts, next }: Generation): Known => ({ name, parts: parts.length, next })

const tombstonesOf = ({ name, parts }: Known): KafkaRecord[] =>
  Array.from({ length: parts }, (_, part) => ({ key: `${name}/${part}/${parts}`, value: null }))
