import { expect, test } from 'vitest'
import { plainSchema } from './config.ts'
import { filtersOf } from './filters.ts'

const entry = (given: object) => plainSchema.parse(given)
const channels = [{ name: 'v', path: 'v' }]

test('a filter is subscribed to once, and not beside one that takes it as well', () => {
  const entries = ['lab/+/state', 'lab/#', 'b/c'].map((filter) => entry({ filter, channels }))
  expect(filtersOf(entries, ['b/c', 'lab/x'])).toEqual(['b/c', 'lab/#'])
})

test('what goes beyond MQTT is subscribed to as MQTT can say it', () => {
  expect(filtersOf([entry({ filter: 'z/#/availability', channels })])).toEqual(['z/#'])
})

test.each(['tasmota', 'esphome', 'zigbee2mqtt', 'shelly', 'chirpstack'])('the template %s has filters of MQTT', (template) => {
  const filters = filtersOf([entry({ template })])
  expect(filters.length).toBeGreaterThan(0)
  for (const filter of filters) expect(filter).toMatch(/^[^|#]*#?$/)
})
