/**
 * JSON lines of one channel as the store holds it, unscaled, in time order, read page by page:
 * `{"t":1764000000000,"v":97,"q":1}` a reading (`q` only when not good), `{"t":...,"i":4,"v":[...]}` a waveform segment.
 *
 * Where the times were corrected for a clock that was off, `byMs` was added to what the clock had stamped, right to `uncertaintyMs`:
 * `{"t":...,"v":97,"byMs":3600000,"uncertaintyMs":4}`.
 *
 * The store is refreshed first: of what becomes visible later, parts behind the newest page would be left out.
 *
 * A page starts after the last reading or sample of the one before, by time: so nothing is lost or doubled when the store
 * joins or splits what it holds between two pages, or gives less than was asked for. The end is a page with nothing new.
 *
 * A page is written out in slices, and everything else in the process runs in between: a reader that takes them as fast as they
 * come would else be served from memory, page after page, before any timer.
 */
import { setImmediate } from 'node:timers/promises'
import type { ChannelKind } from '@millrace/contract'
import type { StoreReader } from '../stores/store.ts'
import { clipSegment, sampleMicroseconds, samplesAfter } from './segments.ts'

const pointsPerPage = 8000
const segmentsPerPage = 200
/** Readings or samples written out at one go, in less than a millisecond. */
const valuesPerSlice = 1000

export interface ExportRange {
  device: string
  channel: string
  from: number
  to: number
}

export async function* exportLines(store: StoreReader, kind: ChannelKind, range: ExportRange): AsyncGenerator<string> {
  await store.refresh()
  const corrected = await correctedText(store, range)
  yield* kind === 'waveform' ? segmentLines(store, range, corrected) : pointLines(store, range, corrected)
}

/** Of a time: what is added to its line. */
type Corrected = (t: number) => string

async function correctedText(store: StoreReader, { device, from, to }: ExportRange): Promise<Corrected> {
  const all = await store.corrections(device, from, to)
  if (all.length === 0) return () => ''
  let at = 0
  return (t) => {
    while (at + 1 < all.length && all[at]!.toMs < t) at++
    const { fromMs, toMs, byMs, uncertaintyMs } = all[at]!
    return t >= fromMs && t <= toMs ? `,"byMs":${byMs},"uncertaintyMs":${uncertaintyMs}` : ''
  }
}

async function* pointLines(
  store: StoreReader,
  { device, channel, from, to }: ExportRange,
  corrected: Corrected,
): AsyncGenerator<string> {
  let after = Number.NEGATIVE_INFINITY
  for (;;) {
    const { t, v, q } = await store.points({ device, channel, fromMs: Math.max(from, after), toMs: to }, pointsPerPage)
    const before = after
    for (let from = 0; from < t.length; from += valuesPerSlice) {
      let text = ''
      for (let k = from; k < Math.min(t.length, from + valuesPerSlice); k++)
        if (t[k]! > before)
          text += `{"t":${t[k]},"v":${JSON.stringify(v[k])}${q?.[k] ? `,"q":${q[k]}` : ''}${corrected(t[k]!)}}\n`
      if (text === '') continue
      yield text
      await setImmediate()
      after = t.at(-1)!
    }
    if (after === before) return
  }
}

async function* segmentLines(
  store: StoreReader,
  { device, channel, from, to }: ExportRange,
  corrected: Corrected,
): AsyncGenerator<string> {
  let last = Number.NEGATIVE_INFINITY
  let values = 0
  for (;;) {
    const before = last
    for (const segment of await store.segments(
      { device, channel, fromMs: Math.max(from, last / 1000), toMs: to },
      segmentsPerPage,
    )) {
      const within = clipSegment(segment, from, to)
      const fresh = within && samplesAfter(within, last)
      if (!fresh) continue
      yield `${JSON.stringify(fresh).slice(0, -1)}${corrected(fresh.t)}}\n`
      values += fresh.v.length
      if (values >= valuesPerSlice) {
        values = 0
        await setImmediate()
      }
      last = sampleMicroseconds(fresh, fresh.v.length - 1)
    }
    if (last === before) return
  }
}
