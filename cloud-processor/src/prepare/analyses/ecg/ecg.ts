/**
 * Heart rate, intervals between beats, irregular rhythm and signal quality of one ECG lead. Where the signal cannot be trusted, what
 * is told is marked bad, so that no rule is decided by it. Not a medical device.
 */
import type { Segment } from '@millrace/contract'
import { z } from 'zod'
import type { Analysis, Run, Tell } from '../analysis.ts'
import { Detector, type DetectorMemory } from './detector.ts'
import { FrontEnd, type FrontEndMemory } from './front-end.ts'
import { beginQuality, countSeen, isOtherAmplitude, newSecond, type QualityMemory, qualityOf, seeRaw } from './quality.ts'
import { isIrregular, keepInterval, rateOf } from './rhythm.ts'

const keys = {
  qualityMin: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('Below this signal quality (0 to 1) rate, intervals, rhythm and pause are marked bad: no rule acts on them'),
}
type EcgKeys = z.infer<z.ZodObject<typeof keys>>

interface EcgMemory {
  /** Absent before the first segment and after a gap. */
  lead?: Lead
}

interface Lead {
  intervalMs: number
  /** Of the next sample, where nothing is missing. */
  nextMs: number
  front: FrontEndMemory
  detector: DetectorMemory
  quality: QualityMemory
  /** Between beats, ms, newest last. */
  intervals: number[]
  /** Of the last beat; before the first one, of the first sample. */
  beatMs: number
  hasBeat: boolean
}

/** With fewer samples a second the QRS is not in them, with more the memory is beyond its bound. */
const rateHz = { min: 100, max: 1000 }
/** Of no converter: keeps what is computed finite. */
const rawMax = 1e9
/** What the sample clock of a device may be moved by between two segments. */
const jitterMs = 20
/** So many beats of another amplitude and none of the usual one: everything begins again. */
const othersMax = 6

export const ecg: Analysis<EcgKeys, EcgMemory> = {
  name: 'ecg',
  description: 'an ECG lead: heart rate, intervals between beats, irregular rhythm, signal quality, time since the last beat',
  version: 1,
  takes: 'waveform',
  channels: 1,
  keys,
  outputs: () => [
    { name: 'heart_rate', kind: 'number', unit: '/min', range: [0, 350], code: 'loinc:8867-4' },
    { name: 'rr', kind: 'number', unit: 'ms', range: [0, 10_000], code: 'loinc:8637-1' },
    { name: 'irregular', kind: 'boolean', unit: '1' },
    { name: 'quality', kind: 'number', unit: '1', range: [0, 1] },
    { name: 'pause', kind: 'number', unit: 's', range: [0, 3600] },
  ],
  memory: { empty: () => ({}), bytesMax: 96 << 10 },
  open: (entry) => new EcgRun(entry),
}

const limited = (raw: number) => Math.max(-rawMax, Math.min(rawMax, raw))

class EcgRun implements Run<EcgMemory> {
  readonly #qualityMin: number
  #intervalMs = 0
  #front!: FrontEnd
  #detector!: Detector

  constructor({ qualityMin }: EcgKeys) {
    this.#qualityMin = qualityMin
  }

  takeSegment(memory: EcgMemory, { t, i, v }: Segment, tell: Tell): void {
    if (v.length === 0 || 1000 / i < rateHz.min || 1000 / i > rateHz.max) return
    this.#setInterval(i)
    const isNext = memory.lead && memory.lead.intervalMs === i && Math.abs(t - memory.lead.nextMs) <= jitterMs
    if (!isNext) memory.lead = this.#begin(t, i, limited(v[0]!))
    for (let k = 0; k < v.length; k++) this.#takeSample(memory, t + k * i, v[k]!, tell)
    memory.lead!.nextMs = t + v.length * i
  }

  #setInterval(intervalMs: number): void {
    if (this.#intervalMs === intervalMs) return
    this.#intervalMs = intervalMs
    this.#front = new FrontEnd(1000 / intervalMs)
    this.#detector = new Detector(1000 / intervalMs)
  }

  #begin(t: number, intervalMs: number, raw: number): Lead {
    return {
      intervalMs,
      nextMs: t,
      front: this.#front.begin(raw),
      detector: this.#detector.begin(),
      quality: beginQuality(t, raw),
      intervals: [],
      beatMs: t,
      hasBeat: false,
    }
  }

  #takeSample(memory: EcgMemory, t: number, sample: number, tell: Tell): void {
    const raw = limited(sample)
    const lead = memory.lead!
    seeRaw(lead.quality, t, raw)
    this.#front.take(lead.front, raw)
    const n = lead.front.n - 1 - this.#front.delay
    if (n >= 0) this.#judge(lead, n, t - this.#front.delay * this.#intervalMs, tell)
    if (!newSecond(lead.quality, t)) return
    this.#tellSecond(lead, t, tell)
    if (isOtherAmplitude(lead.quality, othersMax)) memory.lead = { ...this.#begin(t, this.#intervalMs, raw), beatMs: lead.beatMs }
  }

  /** @param t of sample `n`. */
  #judge(lead: Lead, n: number, t: number, tell: Tell): void {
    this.#detector.take(lead.detector, n, this.#front.judged, qualityOf(lead.quality) >= this.#qualityMin)
    const { beats } = this.#detector.seen
    countSeen(lead.quality, this.#detector.seen)
    for (const { at } of beats) this.#tellBeat(lead, t - (n - at) * this.#intervalMs, tell)
  }

  #tellBeat(lead: Lead, t: number, tell: Tell): void {
    const rr = t - lead.beatMs
    const isFirst = !lead.hasBeat
    lead.beatMs = t
    lead.hasBeat = true
    if (isFirst) return
    const isBad = qualityOf(lead.quality) < this.#qualityMin
    keepInterval(lead.intervals, rr)
    tell('rr', t, Math.round(rr), isBad)
    tell('heart_rate', t, rateOf(lead.intervals), isBad)
    const irregular = isIrregular(lead.intervals)
    if (irregular !== undefined) tell('irregular', t, irregular, isBad)
  }

  /** What is not judged yet does not count as a pause. */
  #tellSecond(lead: Lead, t: number, tell: Tell): void {
    const quality = qualityOf(lead.quality)
    tell('quality', t, quality)
    const judgedMs = t - this.#front.delay * this.#intervalMs
    const pause = Math.max(0, judgedMs - lead.beatMs) / 1000
    tell('pause', t, Number(pause.toFixed(1)), quality < this.#qualityMin)
  }
}
