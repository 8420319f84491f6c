import {
  type ReadingsRecord,
  type Registry,
  type RegistryControl,
  subjectAt,
  type TimelineRecord,
  takeChanges,
} from '@millrace/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bySubject } from './subjects.ts'
import { batch, columns, createAgentFeed, dataTopic } from './testing/agent.ts'
import { createFeed, now } from './testing/feed.ts'

const assign = (value: string | undefined, fromMs: number, toMs?: number, version = 1): RegistryControl => ({
  ...{ type: 'registry', by: 'Ada', id: `${value}-${fromMs}`, version, atMs: now },
  changes: [{ device: 'bed-1', property: 'subject', ...(value ? { value } : {}), fromMs, ...(toMs ? { toMs } : {}) }],
})
const readingsOf = (timeline: TimelineRecord[]) =>
  timeline
    .filter((record): record is ReadingsRecord => record.k === 'readings')
    .map(({ subject, channels }) => [subject, channels.spo2!.v])

describe('the subject of a record', () => {
  it('is the device until the registry says otherwise', () => {
    const feed = createAgentFeed()
    feed.born()
    expect(readingsOf(feed.message(dataTopic, batch({}, columns([now], [97]))).timeline)).toEqual([['bed-1', [97]]])
  })

  it('is that of the reading’s own time: a batch over the beginning of an assignment becomes a record for each', () => {
    const feed = createAgentFeed()
    feed.born()
    const { timeline } = feed.raw({ k: 'control', atMs: now, control: assign('anna', now + 2000) })
    expect(timeline).toMatchObject([{ k: 'control', control: { type: 'registry' } }])
    const three = columns([now, now + 1999, now + 2000], [95, 96, 97])
    expect(readingsOf(feed.message(dataTopic, batch({ count: 3 }, three)).timeline)).toEqual([
      ['bed-1', [95, 96]],
      ['anna', [97]],
    ])
  })

  it('is the earlier one for what comes late', () => {
    const feed = createAgentFeed()
    feed.born()
    feed.raw({ k: 'control', atMs: now, control: assign('anna', now - 10_000, now) })
    feed.raw({ k: 'control', atMs: now, control: assign('ben', now, undefined, 2) })
    const late = batch({ number: 2 }, columns([now - 5000], [91]), { historical: true })
    expect(readingsOf(feed.message(dataTopic, batch({}, columns([now], [97]))).timeline)).toEqual([['ben', [97]]])
    expect(readingsOf(feed.message(dataTopic, late).timeline)).toEqual([['anna', [91]]])
  })

  it('is of gaps and deaths that of when they began', () => {
    const feed = createFeed()
    feed.raw({ k: 'control', atMs: now, control: assign('anna', now, now + 10) })
    expect(feed.state().registry?.get('bed-1')?.subject).toHaveLength(1)
    const gap = {
      f: 1,
      k: 'gap',
      subject: 'bed-1',
      device: 'bed-1',
      reason: 'unplugged',
      fromMs: now + 5,
      toMs: now + 60,
    } as const
    expect(bySubject(feed.state().registry!, gap)).toEqual([{ ...gap, subject: 'anna' }])
  })

  it('splits columns, qualities and waves without losing, doubling or moving a value', () => {
    const spans = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }), fc.constantFrom('anna', 'ben', undefined)), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(spans, fc.uniqueArray(fc.nat(60), { maxLength: 20 }), fc.nat(40), (spans, times, start) => {
        const registry: Registry = new Map()
        for (const [version, [fromMs, length, value]] of spans.entries())
          takeChanges(registry, assign(value, fromMs, fromMs + length, version + 1))
        const t = times.toSorted((a, b) => a - b)
        const record: ReadingsRecord = {
          ...{ f: 1, k: 'readings', subject: 'bed-1', device: 'bed-1', hist: false, receivedMs: 0 },
          channels: { spo2: { t, v: t.map((at) => at * 2), q: t.map((at) => at % 3) } },
          waves: { pleth: [{ t: start + 0.5, i: 0.7, v: Array.from({ length: 30 }, (_, k) => k) }] },
        }
        const parts = bySubject(registry, record) as ReadingsRecord[]
        const seen: number[] = []
        const samples: number[] = []
        for (const { subject, channels, waves } of parts) {
          channels.spo2?.t.forEach((at, k) => {
            expect(subject).toBe(subjectAt(registry, 'bed-1', at))
            expect([channels.spo2!.v[k], channels.spo2!.q![k]]).toEqual([at * 2, at % 3])
            seen.push(at)
          })
          for (const segment of waves.pleth ?? [])
            segment.v.forEach((v, k) => {
              const at = segment.t + k * segment.i
              expect(at).toBeCloseTo(start + 0.5 + v * 0.7, 6)
              expect(subject).toBe(subjectAt(registry, 'bed-1', Math.fround(at) === at ? at : start + 0.5 + v * 0.7))
              samples.push(v)
            })
        }
        expect(seen.toSorted((a, b) => a - b)).toEqual(t)
        expect(samples.toSorted((a, b) => a - b)).toEqual(record.waves.pleth![0]!.v)
      }),
      { numRuns: 300 },
    )
  })
})
