/**
 * Clocks of a gateway and of the processor that jump, with restarts in between: the real bridge, prepare and rules in virtual
 * time. Whatever happened, a minute after the clocks are right an alarm is live and on time, and the same raw records give
 * the same timeline and the same alarms.
 */
import { bridgeSchema, startBridge } from '@millrace/cloud-processor/bridge'
import type { Log } from '@millrace/cloud-processor/log'
import { createPrepareStage, prepareSchema } from '@millrace/cloud-processor/prepare'
import { createRulesStage, ruleFileSchema } from '@millrace/cloud-processor/rules'
import type { Emit, Stage } from '@millrace/cloud-processor/stage'
import { type AlarmRecord, type AlarmTopicRecord, decodeJson, topics } from '@millrace/contract'
import { declare, encodeBatch, encodeDeviceBirth, encodeNodeBirth } from '@millrace/contract/sparkplug'
import { type Clock, createMetrics, createSteadyClock, silentLog } from '@millrace/platform'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorld, type Process, type World } from '../../simulation/world.ts'

const dayMs = 86_400_000
const limit = { name: 'high', channel: 'v', condition: 'above', set: 100 }
const silence = { name: 'silent', channel: 'v', condition: 'absent', afterMs: 10_000 }
const rules = ruleFileSchema.parse({ rules: [limit, silence] })

const channel = { name: 'v', kind: 'number', datatype: 'Int16', unit: '1' } as const
const declaration = declare('bed-1', [{ alias: 1, channel }])

/** Both stages behind one raw partition, and everything that they made. */
function createStages() {
  const prepare = running(createPrepareStage(prepareSchema.parse({})))
  const ruled = running(createRulesStage(rules))
  const made: string[] = []
  const alarms: AlarmRecord[] = []
  let rejected = 0
  const note = (topic: string, value: Uint8Array) => {
    made.push(`${topic} ${Buffer.from(value)}`)
  }
  return {
    made,
    alarms,
    rejected: () => rejected,
    take(value: Uint8Array) {
      prepare.step(value, (topic, _key, out) => {
        note(topic, out)
        if (topic === topics.rejected) rejected++
        else
          ruled.step(out, (to, _, change) => {
            note(to, change)
            const record = decodeJson<AlarmTopicRecord>(change)
            if (record.k === 'alarm') alarms.push(record)
          })
      })
    },
    restart() {
      prepare.restart()
      ruled.restart()
    },
  }
}

function running<State>(stage: Stage<State>) {
  let state = stage.initial(0)
  let offset = 0
  return {
    step: (value: Uint8Array, emit: Emit) => stage.step(state, { offset: offset++, key: '', value, timeMs: 0 }, emit),
    restart() {
      state = stage.decode(stage.encode(state))
    },
  }
}

/** One device on one gateway, one processor. */
function createInstallation(world: World) {
  const stages = createStages()
  const raw: Uint8Array[] = []
  const log = {
    id: 'log',
    partitions: 1,
    partitionOf: () => 0,
    async append(_topic, _partition, records) {
      for (const { value } of records) {
        raw.push(Uint8Array.from(value))
        stages.take(value)
      }
      return 0
    },
  } as Pick<Log, 'id' | 'partitions' | 'partitionOf' | 'append'> as Log
  const wrongMs = { agent: 0, processor: 0 }
  let number = 0
  let agent: Process
  let agentClock: Clock
  let processor: Process
  let receive: (topic: string, payload: Uint8Array, settled: () => void) => void
  const startAgent = () => {
    agent = world.process(wrongMs.agent)
    agentClock = createSteadyClock(agent.clock)
  }
  const startProcessor = () => {
    processor?.kill()
    processor = world.process(wrongMs.processor)
    stages.restart()
    const clock = createSteadyClock(processor.clock)
    const transport = {
      publish: () => {},
      onMessage(listener: typeof receive) {
        receive = listener
      },
      connected: () => true,
      lead: async () => {},
      close: async () => {},
    }
    const context = { log, transport, clock, logger: silentLog, metrics: createMetrics(), lagMs: () => 0 }
    startBridge(bridgeSchema.parse({ host: 'millrace' }), context).lead()
  }
  startAgent()
  startProcessor()
  return {
    stages,
    raw,
    set(who: 'agent' | 'processor', ms: number, isRestart: boolean) {
      wrongMs[who] = ms
      if (!isRestart) (who === 'agent' ? agent! : processor!).setWall(ms)
      else if (who === 'agent') startAgent()
      else startProcessor()
    },
    born() {
      const timestamp = agentClock.now()
      receive('spBv1.0/ward/NBIRTH/gateway', encodeNodeBirth({ bdSeq: 1, timestamp, seq: 0 }), () => {})
      receive('spBv1.0/ward/DBIRTH/gateway/bed-1', encodeDeviceBirth(declaration, { timestamp, seq: 1 }), () => {})
    },
    send(value: number) {
      const atMs = agentClock.now()
      const columns = { channels: { v: { t: [atMs], v: [value] } }, waves: {} }
      const name = { stream: 'streamone', number: ++number, count: 1 }
      const how = { aliasOf: () => 1, datatypeOf: () => 'Int16' as const, timestamp: atMs, seq: number % 256, historical: false }
      receive('spBv1.0/ward/DDATA/gateway/bed-1', encodeBatch({ name, columns, ...how }), () => {})
      return atMs
    },
  }
}

const span = fc.record({
  who: fc.constantFrom('agent' as const, 'processor' as const),
  wrongMs: fc.oneof(
    fc.constantFrom(365 * dayMs, -10_800_000, dayMs, 0),
    fc.integer({ min: -2 * dayMs, max: 2 * dayMs }),
    fc.integer({ min: -15_000, max: 15_000 }),
  ),
  seconds: fc.integer({ min: 1, max: 70 }),
  isRestart: fc.boolean(),
})

test('a minute after the clocks are right alarms are live and on time, and a replay agrees', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(span, { minLength: 1, maxLength: 5 }), fc.boolean(), async (spans, isRestart) => {
      const world = createWorld()
      const { stages, raw, set, born, send } = createInstallation(world)
      born()
      const seconds = async (count: number, value: number) => {
        for (let k = 0; k < count; k++) {
          send(value)
          await world.run(world.nowMs + 1000)
        }
      }
      await seconds(3, 50)
      for (const { who, wrongMs, seconds: count, isRestart: isStart } of spans) {
        set(who, wrongMs, isStart)
        await seconds(count, 50)
      }
      set('agent', 0, isRestart)
      set('processor', 0, isRestart)
      await seconds(60, 50)
      stages.alarms.length = 0
      const rejected = stages.rejected()
      const atMs = world.nowMs
      await seconds(1, 150)
      const silentMs = atMs
      await world.run(world.nowMs + 13_000)
      expect(stages.rejected()).toBe(rejected)
      expect(stages.alarms.filter(({ rule }) => rule === 'high')).toMatchObject([{ retrospective: false, atMs }])
      expect(stages.alarms.filter(({ rule }) => rule === 'silent')).toMatchObject([
        { retrospective: false, atMs: silentMs + 10_000 },
      ])
      const again = createStages()
      for (const value of raw) again.take(value)
      expect(again.made).toEqual(stages.made)
    }),
    { numRuns: Number(process.env.CLOCK_RUNS ?? 100) },
  )
})
