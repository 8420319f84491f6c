import { expect, it } from 'vitest'
import { agentDevices } from './bays.ts'
import { linkCuts, loadScenario, membersOf, parseScenario, scenarioPath, storyOf } from './scenario.ts'

const bed = { kind: 'contec-cms50', name: 'bed' }

function take<T>(items: Iterator<T>, count: number): T[] {
  return Array.from({ length: count }, () => items.next().value)
}

it('the ward tells its story: a desaturation, a probe off, a cut link, and then it continues', () => {
  const ward = loadScenario(scenarioPath('ward'))
  expect(membersOf(ward).map(({ name }) => name)).toEqual([...[1, 2, 3, 4, 5, 6].map((n) => `bed-${n}`), 'ecg-bed-1', 'trolley'])
  expect(take(storyOf(ward, 'bed-3'), 1)).toEqual([{ atS: 25, order: { act: 'desaturate', toPercent: 80, durationS: 30 } }])
  expect(take(storyOf(ward, 'bed-5'), 2)).toEqual([
    { atS: 45, order: { act: 'probe-off' } },
    { atS: 65, order: { act: 'probe-on' } },
  ])
  expect([...linkCuts(ward)]).toEqual([{ atS: 70, durationS: 20 }])
  const later = take(storyOf(ward, 'bed-2'), 3).map(({ atS }) => atS)
  expect(later).toEqual([170, 470, 770])
})

it.each([
  ['chaos', 400, 4000],
  ['load', 5000, 2000],
])('%s gives at least %i readings and %i samples a second', (name, readingsMin, samplesMin) => {
  const counts = { number: 0, waveform: 0 }
  for (const { kind, decoder } of loadScenario(scenarioPath(name)).devices.flatMap((one) => Array(one.count ?? 1).fill(one))) {
    if (kind === 'contec-cms50') counts.number += 120
    if (kind === 'contec-cms50') counts.waveform += 60
    if (kind === 'openbci-cyton') counts.waveform += 250 * (decoder.channels?.length ?? 8)
  }
  expect(counts.number).toBeGreaterThanOrEqual(readingsMin)
  expect(counts.waveform).toBeGreaterThanOrEqual(samplesMin)
})

it('events that overlap come in the order of their moments', () => {
  const scenario = parseScenario({
    devices: [bed],
    story: [
      { event: 'unplug', device: 'bed', atS: 10, durationS: 20 },
      { event: 'probe-off', device: 'bed', atS: 15, durationS: 5 },
    ],
  })
  expect([...storyOf(scenario, 'bed')].map(({ atS, order }) => `${atS} ${order.act}`)).toEqual([
    '10 unplug',
    '15 probe-off',
    '20 probe-on',
    '30 plug',
  ])
})

it('a scenario that cannot be meant is refused, and the message names the fault', () => {
  expect(() => parseScenario({ devices: [bed, bed] })).toThrow(/bed is there twice/)
  expect(() => parseScenario({ devices: [{ name: 'x' }] })).toThrow(/neither a kind nor a recording/)
  expect(() => parseScenario({ devices: [bed], story: [{ event: 'garbage', device: 'cot', atS: 1, bytes: 9 }] })).toThrow(/cot/)
  expect(() => agentDevices(parseScenario({ devices: [{ kind: 'toaster', name: 'x' }] }), '/ports')).toThrow(/toaster/)
  expect(() => agentDevices(parseScenario({ devices: [{ ...bed, signal: { bpm: 500 } }] }), '/ports')).toThrow(/bpm/)
  expect(() => agentDevices(parseScenario({ devices: [{ ...bed, decoder: { framing: 'odd' } }] }), '/ports')).toThrow(/framing/)
})

it('says what the agent must be told to read the fleet', () => {
  const scenario = parseScenario({
    devices: [
      { ...bed, decoder: { framing: 'old' } },
      { kind: 'nmea-0183', name: 'gps', port: 'tcp', tcpPort: 5000 },
    ],
  })
  expect(agentDevices(scenario, '/ports')).toMatchObject([
    {
      id: 'bed',
      bus: { kind: 'serial', path: '/ports/bed', baudRate: 19_200, parity: 'odd' },
      decoder: { kind: 'contec-cms50', framing: 'old' },
    },
    { id: 'gps', bus: { kind: 'tcp', host: '127.0.0.1', port: 5000 }, decoder: { kind: 'nmea-0183' } },
  ])
})
