import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type RuleFile, ruleFileSchema, step } from '@millrace/alarms'
import {
  type AlarmRecord,
  type Channel,
  type Columns,
  type EdgeAlarms,
  emptyEdgeCounts,
  type TimelineRecord,
} from '@millrace/contract'
import { decodeBatch, encodeBatch } from '@millrace/contract/sparkplug'
import { type Clock, createMetrics, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { memoryStorage, openOutbox, outboxSchema } from '../outbox/index.ts'
import { rulesSchema } from './config.ts'
import { LocalRules } from './local-rules.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))
const startMs = 1_700_000_000_000
const hot = { name: 'hot', channel: 'temperature', condition: 'above', set: 80.3, clear: 75 }
const channels: Channel[] = [
  { name: 'temperature', kind: 'number', datatype: 'Float', unit: 'Cel' },
  { name: 'level', kind: 'number', datatype: 'Int16', scale: 0.1, unit: '%' },
]
const device = { id: 'boiler', channels }
const fileOf = (...rules: object[]): RuleFile => ruleFileSchema.parse({ rules })

/** Time stands still until it is set. */
class StillClock implements Clock {
  nowMs = startMs
  readonly #due: { atMs: number; call: () => void }[] = []
  now = () => this.nowMs
  monotonic = () => this.nowMs
  after = (ms: number, call: () => void) => {
    this.#due.push({ atMs: this.nowMs + ms, call })
    return () => {}
  }
}

let files = 0
function localRules(
  rules: RuleFile,
  { memory, clock = new StillClock(), to }: { memory?: string | undefined; clock?: StillClock; to?: object[] } = {},
) {
  const path = join(folder, `${++files}`)
  const config = rulesSchema.parse({ file: 'rules.yaml', to: to ?? [{ kind: 'file', name: 'display', path }] })
  const context = { devices: [device], memory, clock, log: silentLog, metrics: createMetrics() }
  const local = new LocalRules({ config, file: rules, commitEveryMs: 100 }, context)
  const text = () => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return ''
    }
  }
  return { local, clock, path, lines: () => text().split('\n').filter(Boolean) }
}

const drained = (columns: Columns) => ({ device: 'boiler', columns, bad: [], counts: emptyEdgeCounts() })
const temperatures = (t: number[], v: number[]) => drained({ channels: { temperature: { t, v } }, waves: {} })
const alarmsIn = (texts: string[] = []) => texts.flatMap((text) => (JSON.parse(text) as EdgeAlarms).alarms)
const settled = () => new Promise((resolve) => setTimeout(resolve, 50))

describe('an alarm on the gateway', () => {
  test('is given to be committed with its readings, and told once that is done', async () => {
    const { local, clock, lines } = localRules(fileOf(hot))
    const { alarms, rules } = local.take([temperatures([clock.nowMs], [90])])
    expect(alarmsIn(alarms)).toMatchObject([{ rule: 'hot', change: 'raised', raisedMs: startMs, receivers: ['display'] }])
    expect(rules).toContain(`hot/boiler/temperature/${startMs}`)
    await settled()
    expect(lines()).toEqual([])
    local.committed()
    await settled()
    expect(lines()).toHaveLength(1)
    expect(local.active()).toMatchObject([{ id: `hot/boiler/temperature/${startMs}`, value: 90 }])
  })

  test('is told although the disk does not answer', async () => {
    const { local, clock, lines } = localRules(fileOf(hot))
    local.take([temperatures([clock.nowMs], [90])])
    clock.nowMs += 600
    local.take([])
    await settled()
    expect(lines()).toHaveLength(1)
  })

  test('goes on after a kill from what was committed: not told again, and ended when it is over', async () => {
    const first = localRules(fileOf(hot))
    first.local.take([temperatures([startMs], [90])])
    first.local.committed()
    await settled()
    const { rules: memory } = first.local.take([])
    first.clock.nowMs += 3000
    const second = localRules(fileOf(hot), { memory, clock: first.clock })
    await settled()
    expect(second.lines()).toEqual([])
    const { alarms } = second.local.take([temperatures([startMs + 3000, startMs + 3100], [91, 70])])
    expect(alarmsIn(alarms)).toMatchObject([{ change: 'cleared', raisedMs: startMs }])
  })

  test('that was committed and not told before the kill is told after it, under the same key', async () => {
    const first = localRules(fileOf(hot))
    const { rules: memory } = first.local.take([temperatures([startMs], [90])])
    const second = localRules(fileOf(hot), { memory })
    await settled()
    expect(second.lines()).toHaveLength(1)
    expect(second.lines()[0]).toContain(`hot/boiler/temperature/${startMs}`)
  })

  test('ends when its rule is gone', () => {
    const { rules: memory } = localRules(fileOf(hot)).local.take([temperatures([startMs], [90])])
    const { local } = localRules(fileOf(), { memory })
    expect(alarmsIn(local.take([]).alarms)).toMatchObject([{ rule: 'hot', change: 'cleared' }])
  })

  test('of a disk that refuses is in the next transaction that it takes', async () => {
    const clock = new StillClock()
    const storage = memoryStorage()
    const context = { clock, log: silentLog, metrics: createMetrics() }
    const outbox = await openOutbox(storage, outboxSchema.parse({}), context)
    await outbox.declare('boiler', channels)
    const { local } = localRules(fileOf(hot), { clock })
    storage.fault = 'AGENT_OUTBOX_FULL'
    const batch = temperatures([startMs], [90])
    expect(await outbox.commit([batch], local.take([batch]))).toBe(false)
    storage.fault = undefined
    await outbox.issueGap()
    const entries = outbox.next('live', 10)
    expect(entries.map(({ kind }) => kind)).toEqual(['alarm', 'data', 'ledger'])
    expect(outbox.rules).toContain('hot/boiler')
    await outbox.close()
    expect((await openOutbox(storage, outboxSchema.parse({}), context)).rules).toContain('hot/boiler')
  })
})

const rules = fileOf(
  hot,
  {
    name: 'range',
    channel: 'temperature',
    condition: 'outside',
    low: 70,
    high: 80.3,
    hysteresis: 2,
    delayOnMs: 1500,
    delayOffMs: 1000,
  },
  { name: 'low', channel: 'level', condition: 'below', set: 8.8, clear: 9.1 },
  { name: 'fast', channel: 'level', condition: 'rate', low: -0.3, high: 0.3 },
  { name: 'silent', channel: 'level', condition: 'absent', afterMs: 4000 },
)

/** What the cloud makes of a batch: through the bytes of the wire. */
function arrived({ columns }: ReturnType<typeof drained>, receivedMs: number): TimelineRecord[] {
  const names = channels.map(({ name }) => name)
  const payload = encodeBatch({
    name: { stream: 'abcdefgh', number: 1, count: 1 },
    columns,
    aliasOf: (name) => names.indexOf(name),
    datatypeOf: (name) => channels.find((one) => one.name === name)!.datatype,
    ...{ timestamp: receivedMs, seq: 1, historical: false },
  })
  const { columns: decoded } = decodeBatch(payload, (alias) => channels[Number(alias)])
  const about = { f: 1, subject: 'boiler', device: 'boiler' } as const
  const gaps = (decoded.absences ?? []).map(({ t, reason }) => ({ ...about, k: 'gap', reason, fromMs: t }) as const)
  return [...gaps, { ...about, k: 'readings', hist: false, receivedMs, channels: decoded.channels, waves: {} }]
}

const sample = fc.record({
  temperature: fc.integer({ min: 680, max: 820 }).map((tenths) => tenths / 10),
  level: fc.integer({ min: 83, max: 98 }),
  q: fc.constantFrom(0, 0, 0, 0, 0, 1, 2),
  pauseMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 6000),
  isAbsent: fc.constantFrom(false, false, false, false, false, true),
})
type Sample = typeof sample extends fc.Arbitrary<infer S> ? S : never

/** Twice a second, cut by `sizes` into what is drained at once. */
function batchesOf(samples: Sample[], sizes: number[]) {
  const batches: ReturnType<typeof drained>[] = []
  let atMs = startMs
  for (let at = 0, cut = 0; at < samples.length; cut++) {
    const part = samples.slice(at, at + sizes[cut % sizes.length]!)
    const t = part.map(({ pauseMs }) => (atMs += 500 + pauseMs))
    const q = part.map((one) => one.q)
    const absences = part.flatMap(({ isAbsent }, index) =>
      isAbsent ? [{ channel: '*', t: t[index]! + 1, reason: 'probe-off' as const }] : [],
    )
    const [temperature, level] = [
      { t, v: part.map((one) => one.temperature), q },
      { t, v: part.map((one) => one.level) },
    ]
    batches.push(drained({ channels: { temperature, level }, waves: {}, ...(absences.length > 0 ? { absences } : {}) }))
    at += part.length
  }
  return batches
}

const brief = ({ rule, change, raisedMs, atMs }: Pick<AlarmRecord, 'rule' | 'change' | 'raisedMs' | 'atMs'>) =>
  `${change} ${rule}/${raisedMs} @${atMs}`

test('however readings are cut into batches, the alarms are those of the cloud, by key and time', () => {
  fc.assert(
    fc.property(
      fc.array(sample, { maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
      (samples, sizes) => {
        const clock = new StillClock()
        const { local } = localRules(rules, { clock, to: [] })
        const cloud = createEngine(rules)
        const [told, made]: [string[], AlarmRecord[]] = [[], []]
        const inCloud = (record: TimelineRecord) => made.push(...step(cloud, record))
        inCloud({ f: 1, k: 'tick', atMs: startMs })
        inCloud({ f: 1, k: 'declaration', subject: 'boiler', device: 'boiler', node: 'test/gateway', channels })
        let tickMs = startMs
        const ticksTo = (ms: number) => {
          for (; tickMs + 1000 <= ms; tickMs += 1000) inCloud({ f: 1, k: 'tick', atMs: tickMs + 1000 })
        }
        const take = (batch: ReturnType<typeof drained>[]) => {
          told.push(...alarmsIn(local.take(batch).alarms).map(brief))
          local.committed()
        }
        for (const batch of batchesOf(samples, sizes)) {
          const { t } = batch.columns.channels.level!
          // Commits go on while nothing comes.
          for (; clock.nowMs + 1000 < t.at(-1)!; clock.nowMs += 1000) {
            take([])
            ticksTo(clock.nowMs)
          }
          clock.nowMs = t.at(-1)!
          take([batch])
          for (const record of arrived(batch, clock.nowMs)) inCloud(record)
          ticksTo(clock.nowMs)
        }
        const expected = made.filter(
          ({ rule, retrospective, change }) =>
            rules.rules.some(({ name }) => name === rule) && !retrospective && (change === 'raised' || change === 'cleared'),
        )
        expect(told).toEqual(expected.map(brief))
      },
    ),
    { numRuns: 500 },
  )
})
