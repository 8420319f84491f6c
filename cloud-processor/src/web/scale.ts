/** From the device's integers to what people read. */
import { type Channel, type Column, scaled, type Value } from '@millrace/contract'
import type { RollUp } from '../stores/store.ts'

/** Twelve digits: more than any device has, and free of binary noise such as 36.400000000000006. */
export function scaleValue(raw: Value, channel: Channel | undefined): Value {
  if (typeof raw !== 'number' || channel === undefined) return raw
  return tidy(scaled(raw, channel))
}

export function scaleColumn(column: Column, channel: Channel | undefined): Column {
  return { ...column, v: column.v.map((raw) => scaleValue(raw, channel)) }
}

/** Steps of a roll-up, scaled; a negative scale swaps least and most. */
export function scaleSteps(steps: RollUp, channel: Channel | undefined) {
  const scale = channel?.scale ?? 1
  const value = (raw: number) => tidy(scaled(raw, channel ?? {}))
  const [min, max] = scale < 0 ? [steps.max, steps.min] : [steps.min, steps.max]
  return {
    t: steps.t,
    count: steps.count,
    min: min.map(value),
    max: max.map(value),
    mean: steps.sum.map((sum, k) => value(sum / steps.count[k]!)),
    last: steps.last.map(value),
  }
}

function tidy(value: number): number {
  return Number(value.toPrecision(12))
}
