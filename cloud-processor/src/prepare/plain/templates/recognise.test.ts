import { describe, expect, test } from 'vitest'
import { prepareSchema } from '../../config.ts'
import { routeOf } from '../routes.ts'
import { recognise } from './recognise.ts'

const found = (topic: string, payload: unknown) =>
  recognise([{ topic, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }])

describe.each(['', 'site/a/'])('below "%s"', (above) => {
  const base = above.slice(0, -1)
  const at = (own: string) => [base, own].filter((part) => part !== '').join('/')
  const entry = (template: string, usual: string) => (at(usual) === usual ? { template } : { template, base: at(usual) })

  test.each([
    ['tasmota', '', 'tele/plug-1/SENSOR', { Time: '2026-11-29T07:24:01', ENERGY: { Power: 12 } }],
    ['tasmota', '', 'tele/plug-1/LWT', 'Online'],
    ['tasmota', '', 'stat/plug-1/RESULT', { POWER: 'ON' }],
    ['esphome', '', 'esp-1/sensor/outside_temperature/state', '29.7'],
    ['esphome', '', 'esp-1/binary_sensor/door/state', 'ON'],
    ['esphome', '', 'esp-1/climate/room/mode/state', 'heat'],
    ['esphome', '', 'esp-1/light/desk/state', { state: 'ON', brightness: 128 }],
    ['zigbee2mqtt', 'zigbee2mqtt', 'zigbee2mqtt/lamp', { state: 'ON', linkquality: 120 }],
    ['zigbee2mqtt', 'zigbee2mqtt', 'zigbee2mqtt/living room/lamp', { state: 'ON', brightness: 254 }],
    ['zigbee2mqtt', 'zigbee2mqtt', 'zigbee2mqtt/lamp/availability', 'online'],
    ['shelly', '', 'shellies/shelly1pm-A1/relay/0', 'on'],
    ['shelly', '', 'shellies/shelly1-C3/online', 'true'],
    ['shelly', '', 'shellyplus1pm-a8032abe/status/switch:0', { id: 0, output: true, apower: 8.9 }],
    ['shelly', '', 'shellyplus1pm-a8032abe/online', 'true'],
    ['shelly', '', 'kitchen/status/switch:0', { id: 0, output: true }],
    [
      'chirpstack',
      'application',
      'application/3d1f/device/0102030405060708/event/up',
      { deviceInfo: {}, fCnt: 1, object: { t: 1 } },
    ],
    ['chirpstack', 'application', 'application/3d1f/device/0102030405060708/event/status', { deviceInfo: {}, margin: 7 }],
  ])('%s is known by %s%s %j', (template, usual, topic, payload) => {
    expect(found(`${above}${topic}`, payload)).toEqual(entry(template, usual))
    const plain = prepareSchema.parse({ plain: [entry(template, usual)] }).plain
    expect(routeOf(plain, `${above}${topic}`)).toBeDefined()
  })
})

test.each([
  ['lab/esp32-1/state', { temp: 21.5 }],
  ['lab/esp32-1/temp', '21.5'],
  ['tele/phone', { a: 1 }],
  ['shop/status/open', { open: true }],
  ['zigbee2mqtt', '1'],
  ['application/x/device/y/event/up', { a: 1 }],
  ['home/temperature/state', '20'],
  ['', ''],
])('%s %j is of none of them', (topic, payload) => {
  expect(found(topic, payload)).toBeUndefined()
})

test('another base of Zigbee2MQTT is known by the link quality', () => {
  expect(found('z2m/lamp', { state: 'ON', linkquality: 3 })).toEqual({ template: 'zigbee2mqtt', base: 'z2m' })
})

test('what most messages are counts, and one that ChirpStack has in common with others does not', () => {
  const lamp = { topic: 'zigbee2mqtt/lamp', payload: '{"state":"ON"}' }
  const other = { topic: 'lab/x', payload: '1' }
  expect(recognise([lamp, lamp, other])).toEqual({ template: 'zigbee2mqtt' })
  expect(recognise([lamp, other, other])).toBeUndefined()
  expect(recognise([])).toBeUndefined()
})
