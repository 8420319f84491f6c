/**
 * `millrace rules test`: the tests of a rule file, in `<its name>.tests.yaml` beside it, by the stage that the processor runs:
 *
 *     tests:
 *       - name: a pulse above 30 is told of after two seconds
 *         readings: { pulse_rate: [20, 31, 31, 31, null, 20] }     one each everyMs, null: none
 *         alarms:
 *           - { at: 3, rule: pulse-high }                          seconds after the first reading
 *           - { at: 5, rule: pulse-high, change: cleared }
 */
import { createRulesStage } from '@millrace/cloud-processor/rules'
import { type AlarmTopicRecord, decodeJson, encodeJson, type TimelineRecord, topics } from '@millrace/contract'
import { z } from 'zod'
import { checkRules } from './check.ts'
import { faultsIn, readSource } from './source.ts'

const value = z.union([z.number(), z.string(), z.boolean()]).nullable()

const testsSchema = z.strictObject({
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        device: z.string().min(1).default('device-1'),
        subject: z.string().min(1).optional(),
        everyMs: z.number().int().min(1).max(3_600_000).default(1000),
        readings: z.record(z.string(), z.array(value).max(100_000)),
        /** How long ticks go on, for silence. */
        seconds: z.number().int().min(0).max(86_400).default(0),
        alarms: z.array(
          z.strictObject({
            at: z.number(),
            rule: z.string(),
            change: z.enum(['raised', 'cleared']).default('raised'),
            text: z.string().optional(),
          }),
        ),
      }),
    )
    .min(1),
})
type RuleTest = z.infer<typeof testsSchema>['tests'][number]
type Rules = NonNullable<ReturnType<typeof checkRules>['rules']>

export interface Tested {
  name: string
  /** Where it is, and how what came differs. */
  fault?: string
}

/** @throws Error with every fault of the rules, or of the file of tests. */
export function testRules(path: string): Tested[] {
  const { rules, faults } = checkRules(path)
  if (!rules) throw new Error(faults.join('\n'))
  const source = readSource(`${path.replace(/\.ya?ml$/, '')}.tests.yaml`)
  const parsed = testsSchema.safeParse(source.value)
  if (!parsed.success) throw new Error(faultsIn(source, parsed.error.issues).join('\n'))
  return parsed.data.tests.map((test, index) => {
    const expected = test.alarms.map((one) => shown({ ...one, text: one.text ?? '' }))
    const found = alarmsOf(rules, test)
    const texts = test.alarms.map(({ text }) => text !== undefined)
    const came = found.map((one, k) => shown({ ...one, text: texts[k] ? one.text : '' }))
    if (came.join('\n') === expected.join('\n')) return { name: test.name }
    return { name: test.name, fault: `${source.at(['tests', index])}: expected ${listed(expected)}, came ${listed(came)}` }
  })
}

interface Told {
  at: number
  rule: string
  change: string
  text: string
}

const shown = ({ at, rule, change, text }: Told) => `${change} ${rule} at ${at} s${text === '' ? '' : ` (${text})`}`
const listed = (all: string[]) => (all.length === 0 ? 'nothing' : all.join(', '))

function alarmsOf(rules: Rules, test: RuleTest): Told[] {
  const stage = createRulesStage(rules)
  const state = stage.initial(0)
  const told: Told[] = []
  for (const [offset, record] of recordsOf(test).entries())
    stage.step(state, { offset, key: '', timeMs: 0, value: encodeJson(record) }, (topic, _key, bytes) => {
      const alarm = topic === topics.alarms ? decodeJson<AlarmTopicRecord>(bytes) : undefined
      if (alarm?.k !== 'alarm' || alarm.change === 'acknowledged') return
      told.push({ at: (alarm.atMs - startMs) / 1000, rule: alarm.rule, change: alarm.change, text: alarm.text })
    })
  return told
}

const startMs = Date.UTC(2026, 0, 1)

/** A reading each everyMs and a tick each second, in the order of their times, a tick last. */
function recordsOf({ device, subject = device, everyMs, readings, seconds }: RuleTest): TimelineRecord[] {
  const count = Math.max(0, ...Object.values(readings).map(({ length }) => length))
  const endMs = Math.max((count - 1) * everyMs, seconds * 1000)
  const records: TimelineRecord[] = [{ f: 1, k: 'tick', atMs: startMs }]
  for (let k = 0, second = 1; k < count || second * 1000 <= endMs; ) {
    const isTick = k >= count || second * 1000 < k * everyMs
    if (isTick) records.push({ f: 1, k: 'tick', atMs: startMs + second++ * 1000 })
    else {
      const t = startMs + k * everyMs
      const here = Object.entries(readings).flatMap(([channel, all]) =>
        all[k] === null || all[k] === undefined ? [] : [[channel, { t: [t], v: [all[k]] }]],
      )
      records.push({
        f: 1,
        k: 'readings',
        subject,
        device,
        hist: false,
        receivedMs: t,
        channels: Object.fromEntries(here),
        waves: {},
      })
      k++
    }
  }
  return records
}
