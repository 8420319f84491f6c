import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { decoderPlugins } from '@millrace/edge-agent/decoders'
import { afterAll, describe, expect, it } from 'vitest'
import { startFleet } from '../fleet.ts'
import type { Emission, Instrument } from '../instruments/index.ts'
import { readManifest } from '../manifest/index.ts'
import { openReader } from '../ports/test-reader.ts'
import { parseScenario } from '../scenario.ts'
import { checkWfdb, openRecording, readWfdbFrames, readWfdbHeader } from './index.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-recordings-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Recordings of real devices lie beside the checkout, or where MILLRACE_RECORDINGS says. */
const recordings = process.env.MILLRACE_RECORDINGS ?? resolve(import.meta.dirname, '../../../../shared/recordings')
const isHere = existsSync(recordings)
if (!isHere) console.log(`skipped: tests on real recordings. There is no ${recordings}; set MILLRACE_RECORDINGS.`)

/** Two signals in format 212, the second with two samples a frame and a skew of one frame, and one in format 16. */
const header = `made 3 100 4
made.dat 212 200(512)/mV 12 0 1 3 0 one
made.dat 212x2:1 100/mmHg 12 0 -2048 -1949 0 two words
made16.dat 16 10/bpm 16 0 300 0 0 three
# a comment
`

function makeRecord(name: string, text = header): string {
  const samples = [1, -2048, 2047, 2, 1, -1, -3, 0, 100, 3, -1500, 1500 - 2048].map((value) => value & 0xfff)
  const pairs = samples.flatMap((a, k) => {
    const b = samples[k + 1]!
    return k % 2 === 0 ? [a & 0xff, (a >> 8) | ((b >> 8) << 4), b & 0xff] : []
  })
  writeFileSync(join(dir, 'made.dat'), Uint8Array.from(pairs))
  writeFileSync(join(dir, 'made16.dat'), Buffer.from(Int16Array.of(300, -300, 32_767, -32_767).buffer))
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

describe('WFDB', () => {
  it('reads both formats, several samples a frame, and undoes a skew', () => {
    const record = readWfdbHeader(makeRecord('made.hea'))
    expect(record.signals.map(({ name, rateHz, gain, baseline, unit }) => ({ name, rateHz, gain, baseline, unit }))).toEqual([
      { name: 'one', rateHz: 100, gain: 200, baseline: 512, unit: 'mV' },
      { name: 'two words', rateHz: 200, gain: 100, baseline: 0, unit: 'mmHg' },
      { name: 'three', rateHz: 100, gain: 10, baseline: 0, unit: 'bpm' },
    ])
    expect([...readWfdbFrames(record)]).toEqual([
      [[1], [1, -1], [300]],
      [[2], [0, 100], [-300]],
      [[-3], [-1500, -548], [32_767]],
      [[3], [], [-32_767]],
    ])
    expect(checkWfdb(record)).toEqual([])
  })

  it('finds what does not agree with the header', () => {
    const path = makeRecord('wrong.hea', header.replace('0 1 3 0 one', '0 2 4 0 one'))
    expect(checkWfdb(readWfdbHeader(path))).toEqual(['one starts with 1, not 2', 'one sums to 3, not 4'])
    expect(() => openRecording(path, undefined, {})).toThrow(/RECORDING_INVALID.*starts with 1/)
    expect(() => readWfdbHeader(makeRecord('other.hea', header.replace('16 10/bpm', '80 10/bpm')))).toThrow(/format 16 or 212/)
    expect(() => readWfdbHeader(join(dir, 'none.hea'))).toThrow(/RECORDING_INVALID/)
  })

  it('plays one amplifier a sampling rate, its integers as they are', () => {
    const instruments = openRecording(makeRecord('made.hea'), undefined, {})
    expect([...instruments.keys()]).toEqual(['-100hz', '-200hz'])
    expect(played(instruments.get('-200hz')!)).toEqual([1, -1, 0, 100, -1500, -548, -2048, -2048])
    expect(instruments.get('-100hz')!.channels).toMatchObject([
      { name: 'one', unit: 'mV', scale: 1 / 200, offset: -512 / 200, intervalMs: 10 },
      { name: 'three', unit: '/min', scale: 0.1 },
    ])
  })
})

describe('an NMEA log', () => {
  const log =
    '# kept by hand\r\n$GPGSV,1,1,07*7C\r\n$GPRMC,,V,,,,,,,,,,N*53\r\n\x00\x81noise\n$GPGGA,,,,,,0,,,,M,,M,,*66\r\n$GPRMC,,V,,,,,,,,,,N*53\r\nend'

  it('is played byte for byte without its comments, a group of sentences a second', () => {
    const path = join(dir, 'made.log')
    writeFileSync(path, log, 'latin1')
    const instrument = openRecording(path, undefined, {}).get('')!
    const groups = allOf(instrument).map((group) => Buffer.concat(group.map(({ bytes }) => bytes)).toString('latin1'))
    expect(groups.join('')).toBe(log.slice(log.indexOf('$')))
    expect(groups.map((group) => group.split('\n').length - 1)).toEqual([1, 3, 1])
    expect(instrument.rateHz).toBe(1)
  })
})

describe('a raw capture', () => {
  it('is played at the pace of its link, and says what the decoder reads', () => {
    const path = join(dir, 'made.bin')
    const frame = Uint8Array.of(0x01, 0xe0, 0x85, 0xb3, 0x96, 0xc1, 0xe1, 0xff, 0xff)
    writeFileSync(path, Buffer.concat(Array(1000).fill(frame)))
    const pieces = allOf(openRecording(path, 'contec-cms50', {}).get('')!).flat()
    expect(pieces.map(({ bytes }) => bytes.length)).toEqual([...Array(15).fill(576), 360])
    expect(pieces.reduce((sum, { frames }) => sum + frames, 0)).toBe(1000)
    expect(pieces[3]!.readings.slice(0, 2)).toEqual([
      ['pulse_rate', 65],
      ['spo2', 97],
    ])
    expect(() => openRecording(path, undefined, {})).toThrow(/kind of its decoder/)
  })
})

describe('a capture with times', () => {
  it('is played at its times, and says what its own decoder reads', () => {
    const path = join(dir, 'made.capture')
    const head = { k: 'capture', version: 1, device: 'd', decoder: { kind: 'contec-cms50', framing: 'new' }, startMs: 0 }
    const entries = [
      { ms: 0, event: 'opened' },
      { ms: 10, hex: '01e085b396' },
      { ms: 120, hex: 'c1e1ffff' },
    ]
    writeFileSync(path, [head, ...entries].map((line) => `${JSON.stringify(line)}\n`).join(''))
    const moments = allOf(openRecording(path, undefined, {}).get('')!)
    expect(moments.map((moment) => moment.map(({ bytes, frames }) => [bytes.length, frames]))).toEqual([[[5, 0]], [], [[4, 1]]])
    expect(moments[2]![0]!.readings).toEqual([
      ['pulse_rate', 65],
      ['spo2', 97],
    ])
    writeFileSync(path, 'x\ny\n')
    expect(() => openRecording(path, undefined, {})).toThrow(/RECORDING_INVALID.*line 1/)
  })
})

describe.skipIf(!isHere)('real recordings', () => {
  it.each([
    ['ecg-mitdb/100', [[995], [1011]], [[768], [1024]]],
    ['ecg-mitdb/101', [[955], [992]], [[1024], [1024]]],
    ['ecg-mitdb/106', [[962], [1063]], [[1024], [1024]]],
    // The header gives -304 as the first sample of RESP in the file; it comes four frames late.
    ['bedside-waveforms/03700181', [[67, 67, 67, 23], [-943], [-208]], [[374, 396, 396, 418], [-1221], []]],
    ['bedside-numerics/s00001-2896-10-10-00-31n', [0, 0, 0, 0, 0, 230, 0, -32768, -32768, -32768].map((v) => [v]), undefined],
  ])('%s agrees with its header, first sample, last sample and checksum', (name, first, last) => {
    const record = readWfdbHeader(join(recordings, `${name}.hea`))
    expect(checkWfdb(record)).toEqual([])
    let count = 0
    let latest: number[][] = []
    for (const frame of readWfdbFrames(record)) {
      if (count++ === 0) expect(frame).toEqual(first)
      latest = frame
    }
    expect(count).toBe(record.frames)
    if (last) expect(latest).toEqual(last)
  })

  it('bedside numerics are what their table says', () => {
    const [columns, ...rows] = readFileSync(join(recordings, 'bedside-numerics/vitals.csv'), 'utf8').trim().split(/\r?\n/)
    const at = columns!.split(',').indexOf('SpO2')
    const record = readWfdbHeader(join(recordings, 'bedside-numerics/s00001-2896-10-10-00-31n.hea'))
    const values = [...readWfdbFrames(record)].map((frame) => frame[6]![0]! / 10)
    expect(values.slice(0, rows.length)).toEqual(rows.map((row) => Number(row.split(',')[at])))
  })

  it('a record played as fast as it is read arrives whole', async () => {
    const recording = join(recordings, 'bedside-numerics/s00001-2896-10-10-00-31n.hea')
    const manifest = join(dir, 'replay.jsonl')
    const scenario = parseScenario({ devices: [{ name: 'bed', recording }] })
    const fleet = await startFleet(scenario, { portsDir: join(dir, 'ports'), manifest, speed: 'max' })
    // Ten signals of one rate: eight inputs, and two of another amplifier.
    expect(fleet.devices.map(({ device }) => device)).toEqual(['bed-0-0167hz', 'bed-0-0167hz-2'])
    const found: Record<string, number[]> = {}
    const readers = fleet.devices.map(({ kind, config, channels, address }) => {
      for (const { name } of channels) found[name] = []
      const decoder = decoderPlugins[kind]!.create(config as never)
      const bad = (_: number, reason: string) => expect.fail(reason)
      const sink = { frame() {}, reading() {}, sample: (c: string, _: number, v: number) => found[c]!.push(v), absent() {}, bad }
      return openReader(address, (chunk) => decoder.decode(chunk, Date.now(), sink))
    })
    await fleet.done
    await fleet.stop()
    for (const reader of readers) reader.close()
    const record = readWfdbHeader(recording)
    const frames = [...readWfdbFrames(record)]
    for (const [s, { name }] of record.signals.entries()) expect(found[name]).toEqual(frames.map((frame) => frame[s]![0]))
    expect((await readManifest(manifest)).totals!['bed-0-0167hz']).toMatchObject({ samples: 8 * 1936, frames: 1936, bad: 0 })
  })

  it.each([
    'gps.log',
    'gpsd/bu353s4.log',
    'gpsd/gp-320fw-2019-04-07-coldboot.log',
    'gpsd/haicom-305N.log',
    'gpsd/telit-he910.log',
  ])('every byte of %s but its comments is played', (name) => {
    const path = join(recordings, 'gps-nmea', name)
    const lines = readFileSync(path, 'latin1').split(/(?<=\n)/)
    const groups = allOf(openRecording(path, undefined, {}).get('')!)
    const bytes = Buffer.concat(groups.flat().map((emission) => emission.bytes)).toString('latin1')
    expect(bytes).toBe(lines.filter((line) => !line.startsWith('#')).join(''))
    expect(groups.flat().reduce((sum, { readings }) => sum + readings.length, 0)).toBeGreaterThan(10)
  })
})

function allOf(instrument: Instrument): Emission[][] {
  const moments: Emission[][] = []
  for (let moment = instrument.next(); moment; moment = instrument.next()) moments.push(moment)
  return moments
}

function played(instrument: Instrument): number[] {
  return allOf(instrument).flatMap((group) => group.flatMap(({ samples }) => samples.map(([, value]) => value)))
}
