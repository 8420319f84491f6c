/** A feed with one agent, `g/n`, whose device `bed-1` has one channel, and a filter for plain devices. */
import {
  type BatchName,
  type Channel,
  type Columns,
  type EdgeAlarms,
  emptyEdgeCounts,
  type GapRecord,
  type LedgerRecord,
} from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeBirth, encodeNodeData } from '@millrace/contract/sparkplug'
import { createFeed, now } from './feed.ts'

export const channel: Channel = { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' }
export const declaration = declare('bed-1', [{ alias: 1, channel }])
export const plain = { filter: 'plain/+', device: '{1}', time: 'at', channels: [{ name: 'hr', path: 'hr' }] }
export const dataTopic = 'spBv1.0/g/DDATA/n/bed-1'

export function createAgentFeed() {
  const feed = createFeed({ plain: [plain] })
  return {
    ...feed,
    born() {
      feed.message('spBv1.0/g/NBIRTH/n', encodeNodeBirth({ bdSeq: 3, timestamp: now }))
      return feed.message('spBv1.0/g/DBIRTH/n/bed-1', encodeDeviceBirth(declaration, { timestamp: now, seq: 1 }))
    },
    nodeEntry(number: number, metric: string, record: LedgerRecord | GapRecord | EdgeAlarms) {
      const metrics = { [metric]: JSON.stringify(record) }
      return feed.message(
        'spBv1.0/g/NDATA/n',
        encodeNodeData({ name: { stream: 'streamone', number, count: 0 }, metrics, timestamp: now, seq: 1 }),
      )
    },
  }
}

export const columns = (t: number[], v: number[]): Columns => ({ channels: { spo2: { t, v } }, waves: {} })

export function batch(name: Partial<BatchName>, inside: Columns, { historical = false } = {}): Uint8Array {
  return encodeBatch({
    name: { stream: 'streamone', number: 1, count: 1, ...name },
    columns: inside,
    aliasOf: () => 1,
    datatypeOf: () => 'Int16',
    timestamp: now,
    seq: 0,
    historical,
  })
}

export const ledger = (through: number, read: number): LedgerRecord => ({
  f: 1,
  stream: 'streamone',
  through,
  devices: { 'bed-1': { ...emptyEdgeCounts(), read: [read, 0] } },
  floors: { streamone: 1 },
})
