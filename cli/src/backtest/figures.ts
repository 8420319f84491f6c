/** What a rule file would have cost: alarms by rule and by device, how long they lasted, and the load on people. */
import type { Counted } from './backtest.ts'
import type { Episode } from './episodes.ts'
import type { Run } from './run.ts'

export interface RuleFigures {
  rule: string
  /** Alarms that people are told of. */
  alarms: number
  perDay: number
  /** Of those; one that is still active lasts until the end of the stretch. Null where there are none. */
  medianMs: number | null
  longestMs: number | null
  /** Still active at the end. */
  open: number
  /** Recorded, and nobody is told: suppressed, shelved or out of service all the time. */
  held: number
  /** Made from late data: recorded, and nobody is told. */
  late: number
}

export interface DeviceFigures {
  device: string
  subject: string
  alarms: number
  perDay: number
  rules: { rule: string; alarms: number }[]
}

export interface Load {
  perHour: number
  /** In any sixty minutes. */
  mostInHour: number
  mostFromMs?: number
}

export interface Figures {
  rules: RuleFigures[]
  devices: DeviceFigures[]
  load: Load
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export function figuresOf({ file, episodes }: Run, counted: Counted): Figures {
  const all = episodes.all()
  const named = new Set([...file.rules.map(({ name }) => name), ...all.map(({ rule }) => rule)])
  const told = all.filter(({ kind }) => kind === 'told')
  return {
    rules: [...named].map((rule) =>
      ruleFigures(
        rule,
        all.filter((one) => one.rule === rule),
        counted,
      ),
    ),
    devices: deviceFigures(told, counted),
    load: loadOf(told, counted),
  }
}

function ruleFigures(rule: string, all: Episode[], counted: Counted): RuleFigures {
  const told = all.filter(({ kind }) => kind === 'told')
  const lasted = told.map((one) => lastedMs(one, counted)).sort((a, b) => a - b)
  const count = (kind: Episode['kind']) => all.filter((one) => one.kind === kind).length
  return {
    rule,
    alarms: told.length,
    perDay: perDay(told.length, counted),
    medianMs: medianOf(lasted),
    longestMs: lasted.at(-1) ?? null,
    open: told.filter(({ clearedMs }) => clearedMs === undefined).length,
    held: count('held'),
    late: count('late'),
  }
}

const lastedMs = ({ raisedMs, clearedMs }: Episode, { toMs }: Counted) => Math.max(0, (clearedMs ?? toMs) - raisedMs)

/** Of numbers in order. */
export function medianOf(sorted: number[]): number | null {
  if (sorted.length === 0) return null
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
}

/** Less than a second of a log says nothing of a day. */
function perDay(alarms: number, { fromMs, toMs }: Counted): number {
  return rounded((alarms * dayMs) / Math.max(1000, toMs - fromMs))
}

const rounded = (value: number) => Math.round(value * 100) / 100

function deviceFigures(told: Episode[], counted: Counted): DeviceFigures[] {
  const found = Map.groupBy(told, ({ device, subject }) => JSON.stringify([device, subject]))
  const devices = [...found.values()].map((alarms): DeviceFigures => {
    const rules = [...Map.groupBy(alarms, ({ rule }) => rule)].map(([rule, { length }]) => ({ rule, alarms: length }))
    const [{ device, subject }] = alarms as [Episode]
    return { device, subject, alarms: alarms.length, perDay: perDay(alarms.length, counted), rules }
  })
  return devices.sort((a, b) => b.alarms - a.alarms || (a.device < b.device ? -1 : 1))
}

function loadOf(told: Episode[], { fromMs, toMs }: Counted): Load {
  const times = told.map(({ toldMs }) => toldMs!).sort((a, b) => a - b)
  const load: Load = { perHour: rounded((times.length * hourMs) / Math.max(1000, toMs - fromMs)), mostInHour: 0 }
  for (let last = 0, first = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= hourMs) first++
    if (last - first + 1 > load.mostInHour) Object.assign(load, { mostInHour: last - first + 1, mostFromMs: times[first]! })
  }
  return load
}
