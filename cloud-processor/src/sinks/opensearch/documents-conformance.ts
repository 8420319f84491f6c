/** What documents promise beyond ../conformance.ts, for an engine that runs: `describeDocuments('opensearch', makePlace)`. */
import {
  type AlarmRecord,
  type AlarmTopicRecord,
  type RejectedRecord,
  type Source,
  type TimelineRecord,
  topics,
} from '@millrace/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogRecord } from '../../log/log.ts'
import { writeUntilKilled } from '../conformance.ts'
import type { Sink } from '../sink.ts'
import { event, eventAt, logged, source, t0 } from './sample-documents.ts'

export interface FoundDocument {
  id: string
  index: string
  fields: Record<string, unknown>
}

/** By a person (403), by a full disk (429), closed (400), or created again and with no machine for its shard (503). */
export type Blocked = 'write' | 'read_only_allow_delete' | 'closed' | 'away'

/** Where one store's documents live; every place has its own, though the engine may be the same. */
export interface DocumentsPlace {
  open(options?: { retentionDays?: Record<string, number>; timeoutMs?: number }): Promise<Sink>
  /** What was counted by all the stores that were opened here, by the metric's name and labels. */
  counts(): Record<string, number>
  /** Every document of a kind that fits the query (in the words of a search box: `code:X AND device:d`), and all when there is none. */
  search(kind: string, query?: string): Promise<FoundDocument[]>
  indices(): Promise<string[]>
  /** An index that is not Millrace's, though its name begins alike. */
  makeForeignIndex(name: string): Promise<void>
  /** While it is blocked the index takes nothing, and the others do. */
  block(index: string, why: Blocked, isBlocked: boolean): Promise<void>
  down(): Promise<void>
  up(): Promise<void>
  /** Its connections stay open and nothing answers. */
  freeze(isFrozen: boolean): void
  /** A process that writes `events` of 20 records a time, from offset 0 on, and prints the next offset when they are durable. */
  writer: string[]
  remove(): Promise<void>
}

const day = 86_400_000

const alarm = (change: AlarmRecord['change'], more: Partial<AlarmRecord> = {}): AlarmRecord => ({
  ...{ f: 1, k: 'alarm', id: `low/bed-1/spo2/${t0}`, rule: 'low', subject: 'patient 1', device: 'bed-1', channel: 'spo2' },
  ...{ priority: 'high', change, active: change !== 'cleared', acknowledged: change === 'acknowledged' },
  ...{ retrospective: false, technical: false, atMs: t0, raisedMs: t0, value: 84, unit: '%', text: 'SpO2 84 % below 88 %' },
  ...more,
})
const rejected = (more: Partial<RejectedRecord> = {}): RejectedRecord => ({
  ...{ f: 1, k: 'rejected', reason: 'PREPARE_PAYLOAD', detail: 'not readable', at: 'prepare', node: 'g/n', device: 'bed-1' },
  ...{
    lost: [3, 0],
    atMs: t0,
    topic: 'spBv1.0/g/DDATA/n/bed-1',
    receivedMs: t0,
    bytesBase64: Buffer.from('raw').toString('base64'),
  },
  ...more,
})
const readings: TimelineRecord = {
  ...{ f: 1, k: 'readings', subject: 'd', device: 'd', hist: false, receivedMs: t0, waves: {} },
  channels: { spo2: { t: [t0], v: [97] } },
}
/** No cluster takes this time for a date. */
const poison = (offset: number) => logged(offset, event('poison', 1e30))

export function describeDocuments(name: string, makePlace: () => Promise<DocumentsPlace>): void {
  describe(`documents in ${name}`, () => {
    let place: DocumentsPlace
    let store: Sink
    beforeAll(async () => {
      place = await makePlace()
      store = await place.open()
    }, 200_000)
    afterAll(async () => {
      await store?.close()
      await place?.remove()
    })

    const timeline = (...records: LogRecord[]) => store.write('log-a', topics.timeline, 0, records)
    const alarms = (...records: LogRecord[]) => store.write('log-a', topics.alarms, 0, records)
    const reject = (...records: LogRecord[]) => store.write('log-a', topics.rejected, 0, records)
    const offsets = (documents: FoundDocument[]) =>
      documents.map(({ fields }) => (fields.source as Source).offset).sort((a, b) => a - b)

    test('wants the three topics that people search', () => {
      expect([...store.topics].sort()).toEqual([topics.alarms, topics.rejected, topics.timeline])
    })

    test('finds every kind by its fields, and no readings', async () => {
      expect(
        await timeline(
          logged(1, readings),
          logged(2, { f: 1, k: 'tick', atMs: t0 }),
          logged(3, event('cable pulled')),
          logged(4, { f: 1, k: 'birth', subject: 'patient 1', device: 'bed-1', node: 'g/n', atMs: t0, reason: 'device birth' }),
          logged(5, { f: 1, k: 'death', subject: 'patient 1', device: 'bed-1', node: 'g/n', atMs: t0, reason: 'node death' }),
          logged(6, { f: 1, k: 'gap', subject: 'patient 1', device: 'bed-1', reason: 'unplugged', fromMs: t0, channel: 'spo2' }),
          logged(7, {
            ...{
              f: 1,
              k: 'gap',
              subject: 'patient 1',
              device: 'bed-1',
              reason: 'evicted',
              fromMs: t0 - 5000,
              toMs: t0,
              lost: [7, 2],
            },
          }),
          logged(8, { f: 1, k: 'control', atMs: t0, control: { by: 'nurse', type: 'acknowledge', alarm: 'low', note: 'seen' } }),
        ),
      ).toEqual([])
      await alarms(
        logged(1, alarm('raised')),
        logged(2, { f: 1, k: 'notification', key: `low/bed-1/spo2/${t0}#raised`, alarm: alarm('raised') }),
      )
      await reject(logged(1, rejected()))

      const [pulled] = await place.search('events', 'code:BUS_UNPLUGGED AND level:warn AND text:cable')
      const common = { '@timestamp': t0, subject: 'patient 1', device: 'bed-1', source: source(3) }
      expect(pulled!.fields).toEqual({ ...common, k: 'event', level: 'warn', code: 'BUS_UNPLUGGED', text: 'cable pulled' })
      expect(await place.search('events', 'code:DEVICE_BIRTH AND node:"g/n"')).toHaveLength(1)
      expect(await place.search('events', 'code:DEVICE_DEATH')).toHaveLength(1)
      expect(await place.search('events', 'code:CONTROL_ACKNOWLEDGE AND by:nurse AND text:seen')).toHaveLength(1)
      expect(await place.search('events')).toHaveLength(4)
      expect(await place.search('gaps', 'reason:unplugged AND channel:spo2')).toHaveLength(1)
      const [evicted] = await place.search('gaps', 'lostReadings:>5')
      expect(evicted!.fields).toMatchObject({ reason: 'evicted', channel: '*', toMs: t0, lostReadings: 7, lostSamples: 2 })
      expect(await place.search('alarms', 'rule:low AND change:raised AND priority:high AND value:<85')).toHaveLength(1)
      expect(await place.search('alarm-states', 'open:true AND active:true')).toHaveLength(1)
      expect(await place.search('notifications', 'state:due AND rule:low')).toHaveLength(1)
      const [bad] = await place.search('rejected', 'reason:PREPARE_PAYLOAD AND detail:readable')
      expect(bad!.fields).toMatchObject({ bytes: 3, bytesBase64: 'cmF3', lostReadings: 3, node: 'g/n', at: 'prepare' })
    })

    test('has a record once, however often and under whatever offset it comes', async () => {
      const records = Array.from({ length: 30 }, (_, k) => logged(100 + k, event('twice'), source(100 + k)))
      await timeline(...records)
      await timeline(...records)
      const again = records.map((record) => ({ ...record, offset: record.offset + 5000, timeMs: record.timeMs + 40 * day }))
      await timeline(...again, ...again)
      expect(offsets(await place.search('events', 'text:twice'))).toEqual(records.map(({ offset }) => offset))
    })

    test('knows an order that stands in every partition once, and a record without a source by its own place', async () => {
      const order: TimelineRecord = { f: 1, k: 'control', atMs: t0, control: { by: 'doctor', type: 'rules', rules: { x: 1 } } }
      await timeline(logged(200, order, source(7, 0)), logged(201, order, source(7, 1)))
      await store.write('log-a', topics.timeline, 1, [logged(150, order, source(7, 2))])
      expect(await place.search('events', 'code:CONTROL_RULES')).toHaveLength(1)
      const bare = { ...logged(210, event('bare')), source: undefined }
      await timeline(bare, bare, { ...bare, offset: 211 })
      expect(await place.search('events', 'text:bare')).toHaveLength(2)
    })

    test('keeps every change of an alarm, and its newest state, which an older change that comes again does not replace', async () => {
      const id = `high/bed-2/hr/${t0}`
      const raised = logged(300, alarm('raised', { id }))
      const acknowledged = logged(301, alarm('acknowledged', { id, by: 'nurse', acknowledgedMs: t0 + 1 }), source(301))
      const cleared = logged(
        302,
        alarm('cleared', { id, acknowledged: true, by: 'nurse', atMs: t0 + day, clearedMs: t0 + day }),
        source(301, 1),
      )
      await alarms(raised, acknowledged, cleared)
      await alarms({ ...raised, offset: 400 }, { ...acknowledged, offset: 401 })
      expect(await place.search('alarms', `id:"${id}"`)).toHaveLength(3)
      const states = await place.search('alarm-states', `id:"${id}"`)
      expect(states.map(({ fields }) => fields)).toMatchObject([{ change: 'cleared', open: false, active: false, by: 'nurse' }])
    })

    test('tells what became of a notification', async () => {
      const key = `low/bed-3/spo2/${t0}#raised`
      const settled: AlarmTopicRecord = { f: 1, k: 'settled', key, target: 'ward', state: 'sent', atMs: t0 + 20 }
      await alarms({ ...logged(310, settled), source: undefined })
      await alarms({ ...logged(311, settled), source: undefined })
      const [sent, ...more] = await place.search('notifications', 'state:sent AND target:ward')
      expect([sent!.fields.id, sent!.fields.change, more]).toEqual([`low/bed-3/spo2/${t0}`, 'raised', []])
    })

    test('refuses one poison among 500, with its bytes, and stores its neighbours', async () => {
      const records = Array.from({ length: 500 }, (_, k) => (k === 250 ? poison(1250) : logged(1000 + k, event('neighbour'))))
      const refused = await timeline(...records)
      expect(refused).toMatchObject([{ offset: 1250, rejected: { reason: 'STORE_DOCUMENT_REFUSED', at: 'store', lost: [0, 0] } }])
      expect(Buffer.from(refused[0]!.rejected.bytesBase64, 'base64')).toEqual(Buffer.from(poison(1250).value))
      expect(refused[0]!.rejected.detail).toMatch(/events.*@timestamp/)
      expect(await place.search('events', 'text:neighbour')).toHaveLength(499)
      expect((await timeline(...records)).map(({ offset }) => offset)).toEqual([1250])
      expect(await place.search('events', 'text:neighbour')).toHaveLength(499)
      // The rejection itself is a document like any other.
      expect(await reject(logged(50, refused[0]!.rejected))).toEqual([])
      expect(await place.search('rejected', 'reason:STORE_DOCUMENT_REFUSED')).toHaveLength(1)
    })

    test('refuses what cannot be read, and a document that is too large, alone', async () => {
      const broken = { ...logged(1600, event('x')), value: Buffer.from('{"f":1,"k":"event",') }
      const large = logged(1602, event('x'.repeat(7 << 20)))
      const refused = await timeline(broken, logged(1601, event('beside the broken')), large)
      expect(refused.map(({ offset }) => offset)).toEqual([1600, 1602])
      expect(await place.search('events', 'text:beside')).toHaveLength(1)
    })

    test('cuts a request that is too large for the server', async () => {
      const records = Array.from({ length: 40 }, (_, k) => logged(1700 + k, event(`long ${'word '.repeat(20_000)}`)))
      expect(await timeline(...records)).toEqual([])
      expect(await place.search('events', 'text:long')).toHaveLength(40)
    })

    test('never makes a rejection of a rejection', async () => {
      const before = place.counts().millrace_documents_dropped_total ?? 0
      const wild = { ...rejected(), lost: [{ no: 'number' }, 0] } as unknown as RejectedRecord
      const unreadable = { ...logged(61, rejected()), value: Buffer.from('no JSON') }
      expect(await reject(logged(60, wild), unreadable, logged(62, rejected({ detail: 'beside the wild' })))).toEqual([])
      expect(await place.search('rejected', 'detail:wild')).toHaveLength(1)
      expect(place.counts().millrace_documents_dropped_total).toBe(before + 2)
    })

    test.each([
      ['write', 1800],
      ['read_only_allow_delete', 1820],
      ['closed', 1840],
      ['away', 1860],
    ] as const)(
      'goes on where an index takes again that took nothing (%s), without a double',
      async (why, from) => {
        const hasty = await place.open({ timeoutMs: 3000 })
        const fromMs = why === 'away' ? Date.UTC(2026, 7, 1) : t0
        const index = (await place.indices())
          .find((one) => one.includes('gaps-2026.10'))!
          .replace(/10$/, why === 'away' ? '08' : '10')
        const name = `blocked-${why}`
        const gap = (offset: number): LogRecord =>
          logged(offset, { f: 1, k: 'gap', subject: 'p', device: name, reason: 'stalled', fromMs })
        const records = [logged(from, event(`beside ${why}`)), gap(from + 1), gap(from + 2)]
        const before = place.counts().millrace_documents_retried_total ?? 0
        await place.block(index, why, true)
        await expect(hasty.write('log-a', topics.timeline, 0, records)).rejects.toMatchObject({
          code: 'STORE_WRITE',
          retry: true,
        })
        // Those two that were not taken were tried again, alone.
        expect((place.counts().millrace_documents_retried_total! - before) % 2).toBe(0)
        expect(await place.search('events', `text:"beside ${why}"`)).toHaveLength(1)
        await place.block(index, why, false)
        expect(await hasty.write('log-a', topics.timeline, 0, records)).toEqual([])
        expect(offsets(await place.search('gaps', `device:"${name}"`))).toEqual([from + 1, from + 2])
        expect(await place.search('events', `text:"beside ${why}"`)).toHaveLength(1)
        await hasty.close()
      },
      60_000,
    )

    test('keeps what it does not know in the document, and takes no offence at it', async () => {
      const newer = { ...event('newer'), invented: { later: [1, 'two'] }, level: 'fatal' } as unknown as TimelineRecord
      expect(await timeline(logged(1900, newer))).toEqual([])
      expect(await place.search('events', 'text:newer AND level:fatal')).toHaveLength(1)
    })

    test('keeps a time that no clock gives from making an index of its own', async () => {
      const before = await place.indices()
      await timeline(logged(1950, event('clock not set', 1000)), logged(1951, event('clock far ahead', Date.UTC(2999, 0, 1))))
      const found = await place.search('events', 'text:clock')
      expect(found.map(({ fields }) => fields['@timestamp']).sort()).toEqual([1000, Date.UTC(2999, 0, 1)])
      expect(await place.indices()).toEqual(before)
    })

    test('may be written by two at the same time', async () => {
      const other = await place.open()
      const records = Array.from({ length: 200 }, (_, k) => logged(2000 + k, event('both')))
      await Promise.all([timeline(...records), other.write('log-a', topics.timeline, 0, records)])
      await other.close()
      expect(await place.search('events', 'text:both')).toHaveLength(200)
    })

    test('deletes whole indices that have expired, and no other', async () => {
      const kept = await place.open({ retentionDays: { events: 90, gaps: 0 } })
      const atMs = (month: number, date: number) => Date.UTC(2026, month, date)
      const gap: TimelineRecord = { f: 1, k: 'gap', subject: 'p', device: 'old', reason: 'stalled', fromMs: atMs(0, 5) }
      await timeline(logged(2500, event('in June', atMs(5, 30))), logged(2501, event('in July', atMs(6, 1))), logged(2502, gap))
      await place.makeForeignIndex('events-of-others')
      await place.makeForeignIndex('events-2020.01-copy')
      // 90 days after the end of June is the 28th of September; July has a month to go.
      await kept.write('log-a', topics.timeline, 0, [logged(2510, { f: 1, k: 'tick', atMs: atMs(8, 29) })])
      const until = performance.now() + 10_000
      const june = async () => (await place.indices()).filter((index) => index.includes('events-2026.06'))
      while ((await june()).length > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
      expect(await june()).toEqual([])
      expect(await place.search('events', 'text:July')).toHaveLength(1)
      expect(await place.search('gaps', 'device:old')).toHaveLength(1)
      expect((await place.indices()).filter((index) => /of-others|copy/.test(index))).toHaveLength(2)
      // What comes later than that is counted and makes no index.
      expect(await kept.write('log-a', topics.timeline, 0, [logged(2511, event('late', atMs(5, 30)))])).toEqual([])
      expect(await june()).toEqual([])
      expect(place.counts()['millrace_documents_expired_total{kind="events"}']).toBe(1)
      await kept.close()
    })

    test('gives up on a store that answers nothing, in time, and goes on when it does', async () => {
      const hasty = await place.open({ timeoutMs: 700 })
      const records = Array.from({ length: 50 }, (_, k) => logged(2800 + k, event('frozen')))
      place.freeze(true)
      const startedMs = performance.now()
      await expect(hasty.write('log-a', topics.timeline, 0, records)).rejects.toMatchObject({ code: 'STORE_WRITE', retry: true })
      expect(performance.now() - startedMs).toBeLessThan(5000)
      place.freeze(false)
      await hasty.close()
      expect(await timeline(...records)).toEqual([])
      expect(await place.search('events', 'text:frozen')).toHaveLength(50)
    }, 60_000)

    test('says that a store is gone, and has all of it once it is back', async () => {
      const records = Array.from({ length: 300 }, (_, k) => logged(3000 + k, event('outage')))
      await place.down()
      await expect(timeline(...records)).rejects.toMatchObject({ code: 'STORE_WRITE', retry: true })
      const opened = await place.open()
      await expect(opened.write('log-a', topics.timeline, 0, records)).rejects.toMatchObject({ retry: true })
      await place.up()
      expect(await timeline(...records)).toEqual([])
      expect(await opened.write('log-a', topics.timeline, 0, records)).toEqual([])
      await opened.close()
      expect(await place.search('events', 'text:outage')).toHaveLength(300)
    }, 200_000)

    test('has every record once when a writer is killed in the middle and what it read is written again', async () => {
      for (let round = 0; round < 3; round++) {
        const place = await makePlace()
        try {
          const durable = await writeUntilKilled(place, 200 + round * 130)
          const fresh = await place.open()
          const records = Array.from({ length: durable + 40 }, (_, offset) => eventAt(offset))
          for (let k = 0; k < records.length; k += 500) await fresh.write('log-a', topics.timeline, 0, records.slice(k, k + 500))
          await fresh.close()
          expect(offsets(await place.search('events'))).toEqual(records.map(({ offset }) => offset))
        } finally {
          await place.remove()
        }
      }
    }, 200_000)
  })
}
