/** The filters. Adding one is one line here; see filter.ts. */
import { type Channel, scaled } from '@millrace/contract'
import { z } from 'zod'
import { absolute } from './absolute/absolute.ts'
import type { FilterPlugin, Verdict } from './filter.ts'
import { percent } from './percent/percent.ts'
import { rate } from './rate/rate.ts'
import { swingingDoor } from './swinging-door/swinging-door.ts'

export type { FilterPlugin, Verdict } from './filter.ts'

// biome-ignore lint/suspicious/noExplicitAny: each plug-in's own schema made the configuration that it is given
export const filterPlugins: Record<string, FilterPlugin<any, any>> = Object.fromEntries(
  [absolute, percent, rate, swingingDoor].map((plugin) => [plugin.kind, plugin]),
)

const heartbeatMs = z
  .number()
  .nonnegative()
  .default(60_000)
  .describe('After so long a measured value is kept in any case, to tell "the same" from "nothing"; 0: never')

const kinds = Object.keys(filterPlugins) as [string, ...string[]]

/** `{ kind, heartbeatMs, ...the kind's own }`. */
const filterSchema = z
  .looseObject({ kind: z.enum(kinds).describe('Which filter; further keys are those of the kind'), heartbeatMs })
  .transform((given, context) => {
    const { kind, heartbeatMs, ...own } = given
    const result = filterPlugins[kind]!.schema.safeParse(own)
    if (result.success) return { kind, heartbeatMs, ...(result.data as object) }
    for (const issue of result.error.issues) context.addIssue({ ...issue })
    return z.NEVER
  })
export type FilterConfig = z.output<typeof filterSchema>

/** By channel; a channel that is not named is not filtered. */
export const filtersSchema = z.record(z.string(), filterSchema)

/** The channels as they are declared: a filter makes a channel silent until its heartbeat while nothing changes. */
export function withSilence(channels: Channel[], filters: Record<string, FilterConfig>): Channel[] {
  return channels.map((channel) => {
    const { heartbeatMs = 0 } = Object.hasOwn(filters, channel.name) ? filters[channel.name]! : {}
    return heartbeatMs > 0 ? { ...channel, silentMsMax: heartbeatMs } : channel
  })
}

/** A filter at work on one channel. Values are the device's own integers. */
export interface Filter {
  step(t: number, v: number): Verdict
  /** A reading was kept for another reason; the filter goes on from it. */
  restart(t: number, v: number): void
}

export function createFilter(config: FilterConfig, channel: Channel): Filter {
  const filter = filterOf(config, channel)
  return channel.counter ? ofCounter(filter, channel) : filter
}

/**
 * Where a counter falls, what it had counted before and where it begins again are both kept: a total without them lacks what was
 * held back. So the newest reading that is held back waits.
 */
function ofCounter(filter: Filter, { scale = 1 }: Channel): Filter {
  let last = Number.NaN
  return {
    restart(t, v) {
      last = v
      filter.restart(t, v)
    },
    step(t, v) {
      const hasFallen = (v - last) * scale < 0
      last = v
      if (!hasFallen) {
        const verdict = filter.step(t, v)
        return verdict === 'drop' ? 'wait' : verdict
      }
      filter.restart(t, v)
      return 'keep-both'
    },
  }
}

function filterOf({ kind, heartbeatMs, ...own }: FilterConfig, channel: Channel): Filter {
  const plugin = filterPlugins[kind]!
  let state: unknown
  let keptMs = Number.NaN

  function restart(t: number, v: number): void {
    state = plugin.start(t, scaled(v, channel))
    keptMs = t
  }

  return {
    restart,
    step(t, v) {
      const anew = !(t > keptMs)
      const verdict = anew ? 'keep' : plugin.step(own, state, t, scaled(v, channel))
      if (anew || (heartbeatMs > 0 && t - keptMs >= heartbeatMs)) {
        restart(t, v)
        return verdict === 'keep-held' ? 'keep-both' : 'keep'
      }
      if (verdict === 'keep') keptMs = t
      return verdict
    },
  }
}
