/** What the writer asks the engine: times that it holds. */
import { type Held, nameOf, type Suspicion } from '../accounting/index.ts'
import type { Dialect } from './dialects/index.ts'
import { farFutureUs } from './limits.ts'
import { reading, revisionTag, total, wave } from './schema.ts'

/** Questions in flight. */
const atOnce = 8
/** Asked at one go, without a count before: a waveform of 250 Hz has 150,000 samples in it. */
const stretchUs = 600_000_000

export interface After {
  device: string
  /** `*` for any. */
  channel: string
  fromMs: number
  /** By what was written the first one is not later than this. */
  endsBy: number
}

async function askAll<One>(asking: One[], answer: (one: One) => Promise<void>): Promise<void> {
  for (let at = 0; at < asking.length; at += atOnce) await Promise.all(asking.slice(at, at + atOnce).map(answer))
}

export type Questions = ReturnType<typeof createQuestions>

export function createQuestions(dialect: Dialect) {
  const { resolutionMs } = dialect.traits

  async function firstAfter({ device, channel, fromMs }: After, toUs: number): Promise<number | undefined> {
    const where: Record<string, string> = channel === '*' ? { device } : { device, channel }
    const range = { where, fromUs: Math.floor(fromMs * 1000) + 1, toUs, limit: 1 }
    const rows = await Promise.all([reading, wave].map((measurement) => dialect.rows({ measurement, ...range })))
    const times = rows.flatMap(([first]) => (first ? [first.us / 1000] : []))
    return times.length > 0 ? Math.min(...times) : undefined
  }

  return {
    /** By device and series, where anything was asked of it. */
    async heldTimes(asking: Suspicion[]): Promise<Map<string, Held>> {
      const found = new Map<string, Held>()
      const answer = async ({ device, channel, isWave, fromMs, toMs }: Suspicion) => {
        const measurement = isWave ? wave : reading
        const range = { fromUs: Math.floor((fromMs - resolutionMs) * 1000), toUs: Math.ceil((toMs + resolutionMs) * 1000) }
        const held: Held = new Map()
        for (let { fromUs } = range; fromUs <= range.toUs; fromUs += stretchUs)
          for (const { us, values } of await dialect.rows({
            measurement,
            where: { device, channel },
            fromUs,
            toUs: Math.min(range.toUs, fromUs + stretchUs - 1),
          })) {
            const name = nameOf(us / 1000, resolutionMs)
            held.set(name, Math.max(held.get(name) ?? 0, Number(values[revisionTag] ?? 0)))
          }
        found.set(`${device} ${isWave ? '~' : ''}${channel}`, held)
      }
      await askAll(asking, answer)
      return found
    },
    /** The stretch of time that others, or an earlier log, wrote of each device. */
    async heldElsewhere(log: string, partition: number): Promise<Map<string, number[]>> {
      const held = new Map<string, number[]>()
      for (const { values } of await dialect.newest(total)) {
        if (values.log === log && Number(values.partition) === partition) continue
        const known = held.get(`${values.device}`)
        const [first, last] = [Number(values.first_ms), Number(values.last_ms) + 1]
        if (last > 1)
          held.set(`${values.device}`, known ? [Math.min(known[0]!, first), Math.max(known[1]!, last)] : [first, last])
      }
      return held
    },
    /** The first time that is held after each, in their order. What the engine refused is not held: then it is sought further on. */
    async firstsAfter(asking: After[]): Promise<(number | undefined)[]> {
      const found = new Map<After, number | undefined>()
      await askAll(asking, async (one) => {
        const endsUs = Math.ceil((one.endsBy + resolutionMs) * 1000)
        found.set(one, (await firstAfter(one, endsUs)) ?? (await firstAfter(one, farFutureUs)))
      })
      return asking.map((one) => found.get(one))
    },
  }
}
