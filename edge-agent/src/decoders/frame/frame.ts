/**
 * Frames of any device, as a description says (schema.ts has its keys):
 *
 *     sync   length field   fields ...   checksum
 *     42 4D  00 1C          ...          sum
 *
 * - Places are byte offsets in the whole frame, from 0; below 0 from its end. Numbers are big-endian unless said otherwise, may be
 *   some bits of their bytes, or put together from parts.
 * - A frame is what begins with `sync`, has a length within its bounds, meets `require` and has the right `checksum`. Whatever can
 *   be judged by the bytes that are there is judged at once: a rule that fails ends the wait for the rest.
 * - Times are arrival, or with `rateHz` those of a sample clock.
 * - A field is read when its `when` holds and it lies within the frame. Its `invalid` values are an absence of its channel; one of
 *   `absences` is an absence of all.
 *
 * Sources: the layouts of examples/, each from its data sheet; checksums by the parameters of the CRC catalogue (reveng).
 */
import type { AbsenceReason } from '@millrace/contract'
import type { Decoder, DecoderPlugin, Sink } from '../decoder.ts'
import { createFramer, type Framer } from '../framer.ts'
import { createSampleClock, type SampleClock } from '../sample-clock.ts'
import { type Check, checkOf } from './condition.ts'
import { createEncoder } from './encoder.ts'
import { explain } from './explain.ts'
import { channelsOf, compileFields, FieldReader, type Found } from './fields.ts'
import { hexBytesOf, layoutOf } from './layout.ts'
import { type FrameConfig, schema } from './schema.ts'

export const frame: DecoderPlugin<FrameConfig> = {
  kind: 'frame',
  schema,
  link: ({ link }) => link,
  channels: channelsOf,
  create: (config) => new FrameDecoder(config),
  createEncoder,
  explain,
}

class FrameDecoder implements Decoder {
  readonly commands: Decoder['commands']
  readonly #framer: Framer
  readonly #fields: FieldReader
  readonly #absences: { reason: AbsenceReason; checks: Check[] }[]
  readonly #clock: SampleClock | undefined
  /** Of the whole device. */
  #absent: AbsenceReason | undefined

  constructor(config: FrameConfig) {
    const { rateHz, onOpen, keepAlive, absences } = config
    const { match, reasonOf } = layoutOf(config)
    this.#clock = rateHz === undefined ? undefined : createSampleClock(1000 / rateHz)
    this.#fields = new FieldReader(compileFields(config), rateHz)
    this.#absences = absences.map(({ when, reason }) => ({ reason, checks: when.map((one) => checkOf(one, config)) }))
    this.#framer = createFramer(
      match,
      (buffer, from, length, skipped, atMs, sink) => this.#take({ buffer, from, length }, skipped, atMs, sink),
      reasonOf,
    )
    this.commands = {
      onOpen: onOpen === undefined ? undefined : hexBytesOf(onOpen),
      keepAlive: keepAlive && { bytes: hexBytesOf(keepAlive.bytes), intervalMs: keepAlive.everyMs },
    }
  }

  decode(bytes: Uint8Array, atMs: number, sink: Sink): void {
    this.#framer.decode(bytes, atMs, sink)
  }

  reset(): void {
    this.#framer.reset()
    this.#clock?.reset()
    this.#fields.reset()
    this.#absent = undefined
  }

  #take(found: Found, skipped: number, atMs: number, sink: Sink): void {
    sink.frame()
    const exactMs = this.#clock?.next(atMs, Math.round(skipped / found.length)) ?? atMs
    const absent = this.#absenceIn(found)
    if (absent && absent !== this.#absent) sink.absent('*', Math.round(exactMs), absent)
    this.#absent = absent
    if (!absent) this.#fields.give(found, exactMs, sink)
  }

  #absenceIn({ buffer, from, length }: Found): AbsenceReason | undefined {
    return this.#absences.find(({ checks }) => checks.every((check) => check.holds(buffer, from, length, length)))?.reason
  }
}
