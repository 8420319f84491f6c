/**
 * Whether the times of an agent's batch rise by whole milliseconds, as its channels of up to 1,000 samples a second promise
 * (edge-agent/src/times.ts). What breaks the rule is rejected by name: a store of millisecond resolution would take two
 * readings for one. Foreign nodes and plain devices promise nothing: there the store collapses and counts.
 */
import type { Channel, Column, Columns, Segment } from '@millrace/contract'
import type { IdentitiesOf, Problem } from '../rejections/problems.ts'

type Channels = Map<number | string, Channel>

/** Takes readings and segments that repeat a millisecond out of the columns (in place). */
export function checkRising({ channels: scalars, waves }: Columns, channels: Channels, identitiesOf: IdentitiesOf): Problem[] {
  const problems: Problem[] = []
  const blame = (channel: string, t: number, lost: Problem['lost'], why: string) => {
    const detail = `${channel} at ${new Date(t).toISOString()}: ${why}`
    problems.push({ reason: 'PREPARE_TIME_REPEATED', detail, lost, channel, identity: identitiesOf(channel, t)[0]! })
  }
  for (const name in scalars) {
    const column = scalars[name]!
    if (rises(column.t)) continue
    scalars[name] = keepRising(column, (t) => blame(name, t, [1, 0], 'this millisecond was given before'))
  }
  for (const name in waves) {
    const segments = waves[name]!
    if (areApart(segments) || isFine(channels, name)) continue
    const kept = keepApart(segments, ({ t, v }, why) => blame(name, t, [0, v.length], why))
    if (kept.length > 0) waves[name] = kept
    else delete waves[name]
  }
  return problems
}

function rises(t: number[]): boolean {
  for (let k = 1; k < t.length; k++) if (t[k]! <= t[k - 1]!) return false
  return true
}

function keepRising({ t, v, q }: Column, onRepeat: (t: number) => void): Column {
  const kept: Column = q ? { t: [], v: [], q: [] } : { t: [], v: [] }
  for (const [k, time] of t.entries()) {
    if (time <= (kept.t.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      onRepeat(time)
      continue
    }
    kept.t.push(time)
    kept.v.push(v[k]!)
    kept.q?.push(q![k]!)
  }
  return kept
}

/** As a store of millisecond resolution rounds the times of samples. */
const endOf = ({ t, i, v }: Segment) => Math.round(t + (v.length - 1) * i)
const isSquashed = ({ i, v }: Segment) => i < 1 && v.length > 1

function areApart(segments: Segment[]): boolean {
  for (let k = 0; k < segments.length; k++) {
    if (isSquashed(segments[k]!)) return false
    if (k > 0 && Math.round(segments[k]!.t) <= endOf(segments[k - 1]!)) return false
  }
  return true
}

function keepApart(segments: Segment[], onRepeat: (segment: Segment, why: string) => void): Segment[] {
  const kept: Segment[] = []
  for (const segment of segments) {
    const last = kept.at(-1)
    if (isSquashed(segment)) onRepeat(segment, `its samples are ${segment.i} ms apart`)
    else if (last && Math.round(segment.t) <= endOf(last)) onRepeat(segment, 'this millisecond was given before')
    else kept.push(segment)
  }
  return kept
}

/** More than 1,000 samples a second, by what was declared last. */
function isFine(channels: Channels, name: string): boolean {
  const declared = [...channels.values()].findLast((channel) => channel.name === name)
  return (declared?.intervalMs ?? 1) < 1
}
