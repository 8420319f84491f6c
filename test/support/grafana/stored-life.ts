/** A simulated life, through the real stages into the real stores. */
import { openOpenSearch, openSearchSchema } from '@millrace/cloud-processor/sinks'
import { type InfluxStoreOptions, type LedgerRow, openInfluxStore } from '@millrace/cloud-processor/stores'
import { decodeJson, type TimelineRecord, topics } from '@millrace/contract'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { askEngine } from '../../conformance/documents-place.ts'
import { exact } from '../../conformance/store-place.ts'
import { liveThrough } from '../life/life.ts'
import { settled } from '../life/settled.ts'
import { type Output, outputsOf } from '../life/stages.ts'

export interface StoredLife {
  fromMs: number
  toMs: number
  said: string
  /** What the store itself answers. */
  devices: number
  ledger: LedgerRow[]
}

const lifeSeconds = 300
/** Records in one write: each leaves totals of its own. */
const writeRecords = 40

export async function storedLife(seed: number, store: string, search: string): Promise<StoredLife> {
  const { made, ...time } = outputsOfLife(seed)
  const stored = await fillStore({ dialect: 'victoriametrics', url: store }, made)
  const documents = await fillDocuments(search, [...made, ...made.flatMap(settled)], time.toMs)
  return { ...time, ...stored, said: `${stored.said}, ${documents} documents` }
}

/** In a store alone. */
export async function lifeInStore(seed: number, options: InfluxStoreOptions): Promise<StoredLife> {
  const { made, ...time } = outputsOfLife(seed)
  return { ...time, ...(await fillStore(options, made)) }
}

function outputsOfLife(seed: number) {
  const life = liveThrough(seed, lifeSeconds)
  const ticks = life.records.flatMap(({ raw }) => (raw.k === 'tick' ? [raw.atMs] : []))
  return { made: outputsOf(life, 1), fromMs: ticks[0]! - 60_000, toMs: Math.max(...ticks) + 1000 }
}

async function fillStore(options: InfluxStoreOptions, outputs: Output[]) {
  const context = { log: silentLog, metrics: createMetrics(), clock: systemClock }
  const store = await openInfluxStore({ ...options, retentionDays: 0, ...exact }, context)
  await store.open('life', 0, { load: async () => undefined, save: async () => {} })
  let timeMs = 0
  const records = outputs
    .filter(({ topic }) => topic === topics.timeline)
    .map(({ key, value }, offset) => {
      const record: TimelineRecord = decodeJson(value)
      if (record.k === 'tick') timeMs = Math.max(timeMs, record.atMs)
      return { offset, key: key ?? '', value, timeMs, source: { log: 'raw', partition: 0, offset, index: 0 } }
    })
  for (let at = 0; at < records.length; at += writeRecords) await store.write(0, records.slice(at, at + writeRecords))
  await store.refresh()
  const [devices, ledger] = [await store.devices(), await store.ledger()]
  await store.close()
  return { said: `${records.length} records of the timeline`, devices: devices.length, ledger }
}

async function fillDocuments(address: string, outputs: Output[], timeMs: number): Promise<number> {
  const config = openSearchSchema.parse({ nodes: [address] })
  const store = await openOpenSearch(config, { log: silentLog, metrics: createMetrics(), clock: systemClock })
  for (const topic of store.topics) {
    const records = outputs.flatMap(({ topic: own, key, value }, offset) => {
      const source = { log: own === topics.alarms ? 'timeline' : 'raw', partition: 0, offset, index: 0 }
      return own === topic ? [{ offset, key: key ?? '', value, timeMs, source }] : []
    })
    await store.write('life', topic, 0, records)
  }
  await store.close()
  await askEngine(address, 'POST', '/millrace-*/_refresh')
  return (await askEngine(address, 'GET', '/millrace-*/_count')).count
}
