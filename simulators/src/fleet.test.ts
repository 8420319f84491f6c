import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Value } from '@millrace/contract'
import { decoderPlugins } from '@millrace/edge-agent/decoders'
import { afterAll, expect, it } from 'vitest'
import { type Fleet, startFleet } from './fleet.ts'
import { type Manifest, readManifest } from './manifest/index.ts'
import { openReader, type Reader, sleep, until } from './ports/test-reader.ts'
import { parseScenario } from './scenario.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-fleet-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const oximeter = { kind: 'contec-cms50', name: 'bed' }

/** A reader with the device's decoder behind it, as the agent has one. */
function decode(fleet: Fleet, id: string) {
  const { kind, config, address } = fleet.devices.find((one) => one.device === id)!
  const decoder = decoderPlugins[kind]!.create(config as never)
  const values: Record<string, Value[]> = {}
  const counts = { frames: 0, bad: 0 }
  const take = (channel: string, _: number, value: Value) => {
    values[channel] ??= []
    values[channel].push(value)
  }
  const sink = { frame: () => void counts.frames++, reading: take, sample: take, absent() {}, bad: () => void counts.bad++ }
  const reader: Reader = openReader(address, (chunk) => decoder.decode(chunk, Date.now(), sink))
  return { reader, values, counts }
}

function manifestValues(manifest: Manifest, device: string): Record<string, Value[]> {
  const columns = [...(manifest.scalars.get(device) ?? [])].map(([channel, { v }]) => [channel, v])
  const waves = [...(manifest.waves.get(device) ?? [])].map(([channel, segments]) => [channel, segments.flatMap(({ v }) => v)])
  return Object.fromEntries([...columns, ...waves])
}

it('the manifest says exactly what decoders read from the ports', async () => {
  const scenario = parseScenario({
    distinct: true,
    devices: [
      { ...oximeter, count: 2 },
      { kind: 'openbci-cyton', name: 'ecg', decoder: { accel: true } },
      { kind: 'nmea-0183', name: 'gps' },
      { ...oximeter, name: 'tcp', port: 'tcp' },
    ],
    story: [
      { event: 'garbage', device: 'bed-1', atS: 1, bytes: 30 },
      { event: 'garbage', device: 'bed-1', atS: 1, bytes: 30 },
      { event: 'garbage', device: 'ecg', atS: 1.5, bytes: 300 },
      { event: 'garbage', device: 'gps', atS: 1.5, bytes: 30 },
      { event: 'probe-off', device: 'bed-2', atS: 1, durationS: 1 },
    ],
  })
  const path = join(dir, 'truth.jsonl')
  const fleet = await startFleet(scenario, { portsDir: join(dir, 'truth'), manifest: path, durationS: 3 })
  const ids = fleet.devices.map(({ device }) => device)
  const readers = new Map(ids.map((id) => [id, decode(fleet, id)]))
  await fleet.done
  await fleet.stop()
  const manifest = await readManifest(path)
  expect(manifest).toMatchObject({ scenario: 'scenario', seed: 1 })
  for (const id of ids) {
    const { values, counts, reader } = readers.get(id)!
    reader.close()
    expect(manifestValues(manifest, id)).toEqual(values)
    expect(manifest.totals![id]).toMatchObject(counts)
    expect(counts.frames).toBeGreaterThan(0)
  }
  const bad = Object.fromEntries(ids.map((id) => [id, readers.get(id)!.counts.bad]))
  expect(bad).toEqual({ 'bed-1': 2, 'bed-2': 0, ecg: 1, gps: 1, tcp: 0 })
  expect(manifest.faults.filter(({ kind }) => kind === 'garbage')).toHaveLength(4)
  expect(manifest.faults.find(({ kind }) => kind === 'probe-off')).toMatchObject({ device: 'bed-2' })
  const readings = manifest.totals!['bed-1']!.readings - manifest.totals!['bed-2']!.readings
  expect(Math.abs(readings - 120)).toBeLessThan(20)
})

it('an unplugged device is gone, loses what it says, and comes back under its name', async () => {
  const path = join(dir, 'unplug.jsonl')
  const fleet = await startFleet(parseScenario({ devices: [oximeter] }), { portsDir: join(dir, 'unplug'), manifest: path })
  const first = decode(fleet, 'bed')
  await until(() => first.counts.frames > 0)
  fleet.order('bed', { act: 'unplug' })
  await until(() => first.reader.ended())
  first.reader.close()
  await sleep(200)
  fleet.order('bed', { act: 'plug' })
  const second = decode(fleet, 'bed')
  await until(() => second.counts.frames > 0)
  await fleet.stop()
  second.reader.close()
  const { faults } = await readManifest(path)
  expect(faults.find(({ kind }) => kind === 'unplug')!.frames).toBeGreaterThan(5)
  expect(faults.filter(({ kind }) => kind === 'unread').length).toBe(2)
  expect(second.counts.bad).toBe(0)
})

it('a reader that stalls overruns the line by whole frames, which the manifest leaves out', async () => {
  const path = join(dir, 'overrun.jsonl')
  const fleet = await startFleet(parseScenario({ devices: [{ kind: 'openbci-cyton', name: 'ecg' }] }), {
    portsDir: join(dir, 'overrun'),
    manifest: path,
    speed: 20,
  })
  const { reader, values, counts } = decode(fleet, 'ecg')
  await until(() => counts.frames > 0)
  reader.pause()
  // What fits into the line and the reader is not an overrun; a busy simulator takes longer to fill them.
  await sleep(2000)
  reader.resume()
  await sleep(300)
  await fleet.stop()
  reader.close()
  const manifest = await readManifest(path)
  const overrun = manifest.faults.filter(({ kind }) => kind === 'overrun')
  expect(overrun.reduce((sum, { frames }) => sum + frames!, 0)).toBeGreaterThan(100)
  expect(manifestValues(manifest, 'ecg')).toEqual(values)
})

it('an order that a device cannot carry out is refused', async () => {
  const fleet = await startFleet(parseScenario({ devices: [{ kind: 'nmea-0183', name: 'gps' }] }), {
    portsDir: join(dir, 'order'),
  })
  expect(() => fleet.order('gps', { act: 'probe-off' })).toThrow(/gps cannot probe-off/)
  expect(() => fleet.order('bed', { act: 'plug' })).toThrow(/unknown device bed/)
  await fleet.stop()
})

it('a manifest whose last line was torn off by a kill is read up to there', async () => {
  const path = join(dir, 'torn.jsonl')
  const fleet = await startFleet(parseScenario({ devices: [oximeter] }), {
    portsDir: join(dir, 'torn'),
    manifest: path,
    durationS: 0.2,
  })
  await fleet.stop()
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.slice(0, -10))
  const torn = await readManifest(path)
  expect(torn.totals).toBeUndefined()
  expect(torn.devices).toMatchObject([{ device: 'bed' }])
  writeFileSync(path, '{"f":2,"k":"manifest"}\n')
  await expect(readManifest(path)).rejects.toThrow(/CONFIG_INVALID/)
})
