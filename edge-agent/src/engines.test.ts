import { expect, it } from 'vitest'
import { agentSchema } from './config.ts'
import { checkAgent } from './engines.ts'

const agent = (filters: object, decoder: object = { kind: 'nmea-0183', utc: true }) =>
  agentSchema.parse({ devices: [{ id: 'd', bus: { kind: 'tcp', host: 'h', port: 1 }, decoder, filters }] })
const filter = { kind: 'absolute', band: 1 }

it.each([
  ['nothing', 'nothing is not a channel; the channels are latitude'],
  ['utc', 'utc is of kind text'],
])('check refuses what run refuses: a filter on %s', (channel, why) => {
  expect(() => checkAgent(agent({ [channel]: filter }))).toThrow(why)
})

it('check refuses a filter on a waveform', () => {
  expect(() => checkAgent(agent({ ch1: filter }, { kind: 'openbci-cyton' }))).toThrow('ch1')
})

it('check warns of silences that are longer than a rule waits', () => {
  expect(checkAgent(agent({ speed: filter, course: { ...filter, heartbeatMs: 5000 } }))).toEqual([
    'devices.d.filters.speed: with a heartbeat of 60 s, an absent rule of 10 s raises after 70 s of silence',
  ])
})
