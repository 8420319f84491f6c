/** Roll-ups of physical numbers as roll-ups of what the device gave. */
import type { Channel } from '@millrace/contract'
import type { RollUp } from '../store.ts'
import { physicalOf } from './physical.ts'

/** A sum of whole numbers is given back whole; of others it has the digits that the engine's sum has. */
export function unscaled(made: RollUp, channel: Channel): RollUp {
  const { scale = 1, offset = 0, datatype } = channel
  if (scale === 1 && offset === 0) return made
  const { toRaw } = physicalOf(channel)
  const isWhole = /^U?Int/.test(datatype)
  const sumOf = (sum: number, count: number) => {
    const raw = (sum - count * offset) / scale
    return isWhole ? Math.round(raw) : raw
  }
  const [min, max] = scale < 0 ? [made.max, made.min] : [made.min, made.max]
  return {
    t: made.t,
    count: made.count,
    min: min.map(toRaw),
    max: max.map(toRaw),
    sum: made.sum.map((sum, k) => sumOf(sum, made.count[k]!)),
    last: made.last.map(toRaw),
  }
}
