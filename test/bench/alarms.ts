/**
 * CPU microseconds a sample of the rule engine, in a process of its own for each turn: 100 devices, batches of 100, no alarm.
 *
 *     npm run bench -- --only alarms [--against <checkout> --turns 5]
 *
 * `quiet` are two rules on values and one on absence; the others have one rule more, of that condition.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { TimelineRecord } from '@millrace/contract'

const quiet = [
  { name: 'low', channel: 'spo2', condition: 'below', set: 88, clear: 90, delayOnMs: 5000 },
  { name: 'range', channel: 'spo2', condition: 'outside', low: 50, high: 140, hysteresis: 2 },
  { name: 'silent', channel: 'spo2', condition: 'absent', afterMs: 10_000 },
]
const further: Record<string, object[]> = {
  quiet: [],
  rate: [{ condition: 'rate', low: -1000, high: 1000 }],
  change: [{ condition: 'change', by: 1000 }],
  stuck: [{ condition: 'stuck', forMs: 80_000_000 }],
  deviation: [{ condition: 'deviation', factor: 100, least: 1000 }],
  forecast: [{ condition: 'forecast', low: -1000 }],
  'm-of-n': [{ condition: 'm-of-n', low: 50, m: 3, n: 10 }],
}
const devices = 100
const batch = 100
const here = fileURLToPath(new URL('../..', import.meta.url))
const file = fileURLToPath(import.meta.url)

/** @param against another checkout with its packages: of it only `quiet`, which every version has. */
export function alarmsBench(against: string | undefined, turns: number): Record<string, string>[] {
  return Object.keys(further).map((name) => {
    const roots = [here, ...(against && name === 'quiet' ? [against] : [])]
    const times = roots.map((): number[] => [])
    for (let turn = 0; turn < turns; turn++)
      for (const [k, root] of roots.entries()) times[k]!.push(Number(execFileSync(process.execPath, [file, root, name])))
    const [own, other] = times.map((each) => each.toSorted((a, b) => a - b))
    return {
      rules: name,
      'CPU µs a sample, least and median': `${shown(own!)}`,
      before: other ? shown(other) : '-',
      'ratio of the least': other ? (own![0]! / other[0]!).toFixed(3) : '-',
    }
  })
}

const shown = (times: number[]) => `${times[0]!.toFixed(4)} ${times[times.length >> 1]!.toFixed(4)}`

if (process.argv[1] === file) console.log(await measure(process.argv[2]!, process.argv[3]!))

async function measure(root: string, name: string): Promise<number> {
  const engine: typeof import('@millrace/alarms') = await import(pathToFileURL(join(root, 'alarms/src/index.ts')).href)
  const rules = [...quiet, ...further[name]!.map((rule) => ({ name: 'more', channel: 'spo2', ...rule }))]
  const state = engine.createEngine(engine.ruleFileSchema.parse({ rules }))
  let second = 0
  const run = (seconds: number) => {
    for (const end = second + seconds; second < end; second++) for (const record of recordsOf(second)) engine.step(state, record)
  }
  run(100)
  const records = Array.from({ length: 200 }, (_, k) => recordsOf(second + k)).flat()
  const from = process.cpuUsage()
  for (const record of records) engine.step(state, record)
  const { user, system } = process.cpuUsage(from)
  return (user + system) / (200 * devices * batch)
}

function recordsOf(second: number): TimelineRecord[] {
  const t = Array.from({ length: batch }, (_, k) => second * 1000 + k * 10)
  const readings = Array.from(
    { length: devices },
    (_, d): TimelineRecord => ({
      f: 1,
      k: 'readings',
      subject: `bed-${d}`,
      device: `bed-${d}`,
      hist: false,
      receivedMs: second * 1000,
      channels: { spo2: { t, v: t.map((_, k) => 95 + ((k + d) % 5)) } },
      waves: {},
    }),
  )
  return [{ f: 1, k: 'tick', atMs: second * 1000 }, ...readings]
}
