import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

it('check names the rules that a gateway cannot judge, those that are for nothing here, and a fault of the rule file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'))
  const file = join(folder, 'rules.yaml')
  const speed = { channel: 'speed', condition: 'above', set: 10 }
  const rules = [
    { name: 'fast', ...speed },
    { name: 'patient', ...speed, overrides: [{ subjects: ['anna'], set: 12 }] },
    { name: 'elsewhere', ...speed, devices: ['other-*'] },
  ]
  const checked = (given: object) => {
    writeFileSync(file, JSON.stringify(given))
    return checkAgent(agentSchema.parse({ ...agent({}), rules: { file }, commitEveryMs: 2000 }))
  }
  const warnings = [
    'rules: patient is judged in the cloud alone: it has overrides for subjects, and a gateway does not know what its devices measure',
    'rules: elsewhere watches nothing here: no device that it is for has a channel speed',
    'commitEveryMs: with 2000 an alarm is raised and told up to 2 s late; set it to 500 or less',
  ]
  expect(checked({ rules })).toEqual(warnings)
  expect(checked({ dataDir: 'processor', rules: { rules } })).toEqual(warnings)
  expect(() => checked({ rules: [{ ...speed, name: 'fast', set: 'ten' }] })).toThrow('rules.0.set = "ten"')
  rmSync(folder, { recursive: true })
})
