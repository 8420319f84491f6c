import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '@millrace/platform'
import { afterAll, describe, expect, it } from 'vitest'
import { openPty } from '../bus/serial/testing/pty.ts'
import type { DeviceConfig } from '../config.ts'
import { decoderPlugins, parseCapture } from '../decoders/index.ts'
import { candidatesOf } from './candidates.ts'
import { recordDevice, tryDevice, tryUnknown } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-try-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const co2: DeviceConfig['decoder'] = {
  kind: 'frame',
  sync: 'FF 86',
  length: 9,
  checksum: { kind: 'sum', complement: 'twos', from: 1 },
  fields: [{ name: 'co2', at: 2, bytes: 2, unit: '[ppm]' }],
}
const [good, wrong] = ['ff8602200000000058', 'ff8602210000000058'].map((hex) => Buffer.from(hex, 'hex')) as [Buffer, Buffer]

const device = (decoder: DeviceConfig['decoder'], path = '/dev/null'): DeviceConfig => ({
  id: 'd',
  bus: { kind: 'serial', path },
  decoder,
  filters: {},
})
const context = (ended = Promise.resolve()) => ({ clock: systemClock, log: silentLog, ended })
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function tried(of: DeviceConfig, bytes: Uint8Array): Promise<string[]> {
  const lines: string[] = []
  const path = join(folder, 'raw.bin')
  writeFileSync(path, bytes)
  await tryDevice(of, path, context(), (line) => lines.push(line))
  return lines
}

it('says what a decoder reads of a file, and why what it does not read is not a frame', async () => {
  expect(await tried(device(co2), Buffer.concat([good, wrong, Buffer.from([1, 2]), good]))).toEqual([
    'd: decoder frame, 9600 8N1, channels co2',
    expect.stringMatching(/^ {4}0\.000 {2}co2 544 \[ppm\]$/),
    expect.stringMatching(
      /bad: checksum, 11 bytes: ff 86 02 21 .*\n.*the checksum of the 9 bytes from byte 0 is wrong: it is 0x58, the bytes give 0x57/,
    ),
    expect.stringMatching(/co2 544 \[ppm\]$/),
    '2 frames, 2 readings; bad: checksum 1',
  ])
  const [, bad] = await tried(device({ ...co2, require: [{ at: 8, is: 0x99 }] }), Buffer.concat([good, Buffer.alloc(20_000)]))
  expect(bad).toMatch(/require 0 does not hold \(byte 8 must be \[153\]\)/)
})

describe('of an unknown device', () => {
  const encoded = (kind: string, config: object, values: (k: number) => Record<string, number>) => {
    const encode = decoderPlugins[kind]!.createEncoder(decoderPlugins[kind]!.schema.parse(config))
    return Buffer.concat(Array.from({ length: 60 }, (_, k) => encode({ values: values(k) })))
  }
  const noise = (k: number, most: number) => Math.floor(Math.abs(Math.sin(k * 12.9898) * 43_758.5453) % most)
  const ownFrame = { ...co2, sync: 'A5 5A', length: 11, checksum: { kind: 'crc', width: 16, poly: 0x1021, init: 0xffff } }
  const { kind: _, ...own } = ownFrame

  it('names the decoder that reads it', () => {
    const values = (k: number) => ({ pm2_5: noise(k, 100), count_0_3: noise(k + 7, 3000) })
    expect(candidatesOf(encoded('plantower-pms', {}, values))).toEqual(['decoder plantower-pms reads 60 frames of it'])
  })

  it('shows length, sync bytes and checksum', () => {
    const bytes = encoded('frame', own, (k) => ({ co2: noise(k, 65_536) })).subarray(4)
    expect(candidatesOf(bytes)).toEqual([
      expect.stringMatching(
        /^length 11; sync a5 5a; .*checksum \{ kind: crc, width: 16, poly: 0x1021, init: 0xFFFF \} holds in 59 of 59$/,
      ),
    ])
  })

  it('shows lines of text, or that nothing repeats', () => {
    expect(candidatesOf(Buffer.from('T,1,2\r\n'.repeat(10)))).toEqual(['lines of text: decoder csv-lines, such as "T,1,2"'])
    expect(candidatesOf(Buffer.from(Array.from({ length: 500 }, (_, k) => noise(k, 256))))[0]).toMatch(
      /^Nothing repeats in 500 bytes/,
    )
    expect(candidatesOf(new Uint8Array(0))[0]).toMatch(/^Nothing came/)
  })
})

it('records a line with times, which is read again as it was', async () => {
  const pty = openPty()
  const path = join(folder, 'co2.capture')
  const said: string[] = []
  const recording = recordDevice(device(co2, pty.path), path, context(after(700)), (line) => said.push(line))
  await after(200)
  pty.offer(good)
  await after(200)
  pty.offer(good.subarray(0, 4))
  pty.offer(good.subarray(4))
  await recording
  pty.unplug()
  expect(said).toEqual([`18 bytes in ${path}; 2 frames, 2 readings; bad: none`])
  const { head, entries } = parseCapture(readFileSync(path, 'utf8'))
  expect(head.decoder).toEqual(co2)
  expect(Buffer.concat(entries.flatMap((entry) => ('hex' in entry ? [Buffer.from(entry.hex, 'hex')] : [])))).toEqual(
    Buffer.concat([good, good]),
  )
  const lines: string[] = []
  expect(await tryDevice(device(co2), path, context(), (line) => lines.push(line))).toBe(true)
  const [first, second] = lines.slice(1, 3).map((line) => Number(line.slice(0, 9)))
  expect(second! - first!).toBeGreaterThan(0.15)
  await expect(recordDevice(device(co2), path, context(), () => {})).rejects.toThrow(/EDGE_CAPTURE_INVALID/)
})

it('names the line of a capture that is not one, and leaves a cut last line out', () => {
  const text = '{"k":"capture","version":1,"device":"d","decoder":{"kind":"frame"},"startMs":0}\n{"ms":0,"hex":"ff"}\n{"ms":'
  expect(parseCapture(text).entries).toEqual([{ ms: 0, hex: 'ff' }])
  expect(() => parseCapture(`${text}\n`)).toThrow('line 3 is not one of a capture')
  expect(() => tryUnknown(join(folder, 'none'), () => {})).toThrow(/EDGE_CAPTURE_INVALID.*ENOENT/)
})
