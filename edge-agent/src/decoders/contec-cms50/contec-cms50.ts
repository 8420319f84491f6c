/**
 * Contec CMS50D+, CMS50E and relatives: fingertip pulse oximeters, 60 frames a second, no checksum.
 *
 * `new` (firmware 4.6 and later): 115200 8N1. A frame is a type byte with bit 7 clear, then 1 to 8 bytes with bit 7 set;
 * byte 1 carries the eighth bits of what follows (bit k belongs to byte 2 + k). Real-time data is type 01, 9 bytes:
 *
 * | byte | bits | field                                                        |
 * |------|------|--------------------------------------------------------------|
 * | 2    | 0-3  | signal strength; 4 searching too long, 5 low SpO2, 6 beep    |
 * |      | 7    | probe error, so byte 1 is E1                                 |
 * | 3    | 0-6  | pleth; 7 searching for a pulse, so byte 1 is E2              |
 * | 4    | 0-3  | bar graph; 4 the device knows a perfusion index              |
 * | 5    | 0-7  | pulse rate, /min; FF not valid                               |
 * | 6    | 0-6  | SpO2, %; 7F not valid                                        |
 * | 7, 8 |      | perfusion index, little-endian; FFFF not valid               |
 *
 * `01 E0 85 B3 96 C1 E1 FF FF`: pleth 51, 65 /min, 97 %. It streams after the command `7D 81 A1 ..` and wants a keep-alive.
 * Frames of types 02 to 1F (answers to commands) are good frames without readings.
 *
 * `old`: 19200 8O1 (some models 4800). 5 bytes, bit 7 set on the first only:
 *
 * | byte | bits | field                                                             |
 * |------|------|-------------------------------------------------------------------|
 * | 0    | 0-3  | signal strength; 4 finger out, 5 low SpO2, 6 beep, 7 always set   |
 * | 1    | 0-6  | pleth                                                             |
 * | 2    | 0-3  | bar graph; 4 probe error, 5 searching, 6 bit 7 of the pulse rate  |
 * | 3    | 0-6  | pulse rate, /min; FF not valid                                    |
 * | 4    | 0-6  | SpO2, %; 7F not valid                                             |
 *
 * In both a value of 0 is not valid either, and an SpO2 of 101 to 126 is taken for a damaged frame.
 * Sources: github.com/headrotor/contec_data, github.com/atbrask/CMS50Dplus, tranzoa.net, Contec's protocol sheet.
 */
import type { AbsenceReason, Channel } from '@millrace/contract'
import { z } from 'zod'
import type { Decoder, DecoderPlugin, Sink } from '../decoder.ts'
import { createFramer } from '../framer.ts'
import { createSampleClock } from '../sample-clock.ts'
import type { Framing } from './framing.ts'
import { newFraming } from './new-framing.ts'
import { oldFraming } from './old-framing.ts'

const schema = z.strictObject({
  framing: z.enum(['new', 'old']).default('new').describe('9 bytes at 115200 baud (firmware 4.6 and later), or 5 at 19200'),
})
type Config = z.infer<typeof schema>

const framings: Record<Config['framing'], Framing> = { new: newFraming, old: oldFraming }
const frameMs = 1000 / 60

export const contecCms50: DecoderPlugin<Config> = {
  kind: 'contec-cms50',
  schema,
  link: ({ framing }) => framings[framing].link,
  channels: () => channels,
  create: ({ framing }) => create(framings[framing]),
  createEncoder: ({ framing }) => {
    const { write } = framings[framing]
    return ({ values, extra }) =>
      write({
        pulseRate: Number(values.pulse_rate ?? 0),
        spo2: Number(values.spo2 ?? 0),
        pleth: Number(values.pleth ?? 0),
        invalid: extra?.invalid as AbsenceReason | undefined,
      })
  },
}

const channels: Channel[] = [
  {
    name: 'pulse_rate',
    kind: 'number',
    datatype: 'Int16',
    unit: '/min',
    range: [25, 254],
    code: 'loinc:8889-8',
    intervalMs: frameMs,
  },
  { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%', range: [1, 100], code: 'loinc:59408-5', intervalMs: frameMs },
  {
    name: 'pleth',
    kind: 'waveform',
    datatype: 'Int16Array',
    unit: '1',
    range: [0, 127],
    code: 'mdc:150452',
    intervalMs: frameMs,
  },
]

function create({ match, read, frameBytes, commands }: Framing): Decoder {
  const clock = createSampleClock(frameMs)
  let invalid: AbsenceReason | undefined

  function onFrame(buffer: Uint8Array, from: number, _length: number, skipped: number, atMs: number, sink: Sink): void {
    sink.frame()
    const vitals = read(buffer, from)
    if (!vitals) return
    const exactMs = clock.next(atMs, Math.round(skipped / frameBytes))
    const wholeMs = Math.round(exactMs)
    if (vitals.invalid && vitals.invalid !== invalid) sink.absent('*', wholeMs, vitals.invalid)
    invalid = vitals.invalid
    if (invalid) return
    sink.reading('pulse_rate', wholeMs, vitals.pulseRate)
    sink.reading('spo2', wholeMs, vitals.spo2)
    sink.sample('pleth', exactMs, vitals.pleth)
  }

  const framer = createFramer(match, onFrame)
  return {
    decode: framer.decode,
    reset() {
      framer.reset()
      clock.reset()
      invalid = undefined
    },
    commands,
  }
}
