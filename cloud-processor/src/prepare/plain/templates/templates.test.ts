/** Payloads of each maker as its documentation describes them, written for these tests. */
import { describe, expect, test } from 'vitest'
import { createFeed, now } from '../../testing/feed.ts'

type Entry = { template: string; base?: string; zone?: string; words?: Record<string, boolean>; ignore?: string[] }

function send(entry: Entry, topic: string, payload: unknown, feed = createFeed({ plain: [entry as never] })) {
  const { timeline, rejected } = feed.message(topic, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)))
  const readings = timeline.find((record) => record.k === 'readings')
  if (readings?.k !== 'readings') return { device: undefined, values: undefined, rejected, timeline }
  const values = Object.fromEntries(Object.entries(readings.channels).map(([name, { v }]) => [name, v[0]]))
  return { device: readings.device, values, rejected, timeline }
}

const ignoredBy = (entry: Entry, topic: string, payload: unknown = 'anything') => {
  const { timeline, rejected } = send(entry, topic, payload)
  return timeline.length === 0 && rejected.length === 0
}

describe('tasmota', () => {
  const entry = { template: 'tasmota' }
  const local = new Date(now).toISOString().slice(0, 19)

  test('SENSOR and STATE are channels, ON and OFF booleans', () => {
    const sensor = {
      Time: local,
      AM2301: { Temperature: 21.4, Humidity: 44.9 },
      ENERGY: { Power: [12, 30], Total: 4.2 },
      TempUnit: 'C',
    }
    expect(send(entry, 'tele/plug-1/SENSOR', sensor)).toMatchObject({
      device: 'plug-1',
      values: {
        'AM2301.Temperature': 21.4,
        'AM2301.Humidity': 44.9,
        'ENERGY.Power.0': 12,
        'ENERGY.Power.1': 30,
        'ENERGY.Total': 4.2,
      },
      rejected: [],
    })
    const state = { Time: local, UptimeSec: 611, POWER: 'ON', Wifi: { RSSI: 44, SSId: 'net' } }
    expect(send(entry, 'tele/plug-1/STATE', state).values).toEqual({
      UptimeSec: 611,
      POWER: true,
      'Wifi.RSSI': 44,
      'Wifi.SSId': 'net',
    })
    expect(send(entry, 'stat/plug-1/RESULT', { POWER2: 'OFF' }).values).toEqual({ POWER2: false })
  })

  test('Time counts where its zone is known', () => {
    const sensor = { Time: local, DS18B20: { Temperature: 5 } }
    const at = (zone?: string) => send({ ...entry, ...(zone ? { zone } : {}) }, 'tele/a/SENSOR', sensor).timeline.at(-1)
    expect(at('Etc/GMT-1')).toMatchObject({ channels: { 'DS18B20.Temperature': { t: [now - 3_600_000] } } })
    expect(at()).toMatchObject({ channels: { 'DS18B20.Temperature': { t: [now] } } })
  })

  test('LWT says whether it is online; commands and repetitions are ignored', () => {
    expect(send(entry, 'tele/plug-1/LWT', 'Online')).toMatchObject({ device: 'plug-1', values: { online: true } })
    expect(send({ ...entry, base: 'site/a' }, 'site/a/tele/plug-1/LWT', 'Offline')).toMatchObject({
      device: 'plug-1',
      values: { online: false },
    })
    for (const topic of ['stat/plug-1/POWER', 'cmnd/plug-1/POWER', 'tele/plug-1/INFO1'])
      expect(ignoredBy(entry, topic)).toBe(true)
  })
})

describe('esphome', () => {
  const entry = { template: 'esphome' }

  test.each([
    ['esp-1/sensor/outside_temperature/state', '29.7', 'esp-1', { outside_temperature: 29.7 }],
    ['home/esp-1/binary_sensor/door/state', 'ON', 'home/esp-1', { door: true }],
    ['esp-1/switch/pump/state', 'OFF', 'esp-1', { pump: false }],
    ['esp-1/text_sensor/version/state', '2026.11.0', 'esp-1', { version: '2026.11.0' }],
    [
      'esp-1/light/desk/state',
      { state: 'ON', brightness: 128, color: { r: 1 } },
      'esp-1',
      { 'desk.state': true, 'desk.brightness': 128, 'desk.color.r': 1 },
    ],
    ['esp-1/climate/room/mode/state', 'heat', 'esp-1', { 'room.mode': 'heat' }],
    ['esp-1/status', 'online', 'esp-1', { online: true }],
  ])('%s %j', (topic, payload, device, values) => {
    expect(send(entry, topic, payload)).toMatchObject({ device, values, rejected: [] })
  })

  test('a sensor without a value gives none; logs and commands are ignored', () => {
    expect(send(entry, 'esp-1/sensor/t/state', 'nan')).toMatchObject({ values: undefined, rejected: [] })
    for (const topic of ['esp-1/debug', 'esp-1/switch/pump/command', 'esp-1/climate/room/mode/command'])
      expect(ignoredBy(entry, topic)).toBe(true)
  })
})

describe('zigbee2mqtt', () => {
  const entry = { template: 'zigbee2mqtt' }

  test('a friendly name is a device, slashes and blanks with it', () => {
    const feed = createFeed({ plain: [entry as never] })
    const lamp = { state: 'ON', brightness: 254, contact: true, color: { x: 0.1 } }
    expect(send(entry, 'zigbee2mqtt/living room/lamp', lamp, feed)).toMatchObject({
      device: 'living room/lamp',
      values: { state: true, brightness: 254, contact: true, 'color.x': 0.1 },
    })
    expect(send(entry, 'zigbee2mqtt/living room/heater', { state: 'OFF', brightness: 10 }, feed)).toMatchObject({
      device: 'living room/heater',
      values: { state: false, brightness: 10 },
    })
  })

  test('a sensor, with what says nothing of it left out', () => {
    const climate = {
      temperature: 27.3,
      humidity: 44.7,
      linkquality: 120,
      last_seen: '2026-11-29T07:24:01Z',
      update: { state: 'idle' },
    }
    expect(send(entry, 'zigbee2mqtt/0x00158d0001', climate).values).toEqual({
      temperature: 27.3,
      humidity: 44.7,
      linkquality: 120,
    })
  })

  test.each(['online', { state: 'online' }])('availability %j', (payload) => {
    expect(send(entry, 'zigbee2mqtt/living room/lamp/availability', payload)).toMatchObject({
      device: 'living room/lamp',
      values: { available: true },
    })
  })

  test('the bridge and commands are ignored', () => {
    for (const topic of ['bridge/state', 'bridge/devices', 'lamp/set', 'a/b/get', 'lamp/set/state'])
      expect(ignoredBy(entry, `zigbee2mqtt/${topic}`)).toBe(true)
  })
})

describe('shelly', () => {
  const entry = { template: 'shelly' }

  test.each([
    ['shellies/shelly1pm-A1/relay/0', 'on', { 'relay.0': true }],
    ['shellies/shelly1pm-A1/relay/0/power', '12.35', { 'relay.0.power': 12.35 }],
    ['shellies/shellyht-B2/sensor/temperature', '21.5', { 'sensor.temperature': 21.5 }],
    ['shellies/shelly1-C3/input/0', '1', { 'input.0': 1 }],
    ['shellies/shelly1-C3/temperature', '48.2', { temperature: 48.2 }],
    ['shellies/shelly1-C3/online', 'true', { online: true }],
    [
      'shellies/shellydimmer-D4/light/0/status',
      { ison: true, brightness: 40 },
      { 'light.0.ison': true, 'light.0.brightness': 40 },
    ],
  ])('first generation: %s %j', (topic, payload, values) => {
    expect(send(entry, topic, payload)).toMatchObject({ device: topic.split('/')[1], values, rejected: [] })
  })

  test('later generations: the status of a component', () => {
    const status = {
      id: 0,
      source: 'init',
      output: true,
      apower: 8.9,
      voltage: 237.5,
      aenergy: { total: 6.5, by_minute: [0, 1], minute_ts: 1 },
      temperature: { tC: 23.5, tF: 74.3 },
    }
    expect(send(entry, 'shellyplus1pm-a8032abe/status/switch:0', status)).toMatchObject({
      device: 'shellyplus1pm-a8032abe',
      values: {
        'switch:0.output': true,
        'switch:0.apower': 8.9,
        'switch:0.voltage': 237.5,
        'switch:0.aenergy.total': 6.5,
        'switch:0.temperature.tC': 23.5,
        'switch:0.temperature.tF': 74.3,
      },
    })
    expect(send(entry, 'shellyplus1pm-a8032abe/online', 'false').values).toEqual({ online: false })
  })

  test('announcements, commands and notifications are ignored', () => {
    for (const topic of [
      'shellies/announce',
      'shellies/shelly1-C3/info',
      'shellies/shelly1-C3/relay/0/command',
      'shellyplus1pm-a8/events/rpc',
      'shellyplus1pm-a8/rpc',
    ])
      expect(ignoredBy(entry, topic)).toBe(true)
  })
})

describe('chirpstack', () => {
  const entry = { template: 'chirpstack' }
  const topic = (event: string) => `application/3d1f/device/0102030405060708/event/${event}`
  const uplink = {
    deduplicationId: '8e5f',
    time: `${new Date(now).toISOString().slice(0, 23)}456789+00:00`,
    deviceInfo: { deviceName: 'soil 1', devEui: '0102030405060708' },
    adr: true,
    dr: 5,
    fCnt: 17,
    fPort: 2,
    data: 'AGc=',
    object: { temperature: 10.3, battery: { mV: 3300 }, open: false },
    rxInfo: [{ gatewayId: 'aa', rssi: -97, snr: 6.5 }],
  }

  test('an uplink is what its codec made of it, with signal and counter, at its time', () => {
    const { device, values, timeline, rejected } = send(entry, topic('up'), uplink)
    expect([device, rejected]).toEqual(['0102030405060708', []])
    expect(values).toEqual({ fCnt: 17, fPort: 2, dr: 5, rssi: -97, snr: 6.5, temperature: 10.3, 'battery.mV': 3300, open: false })
    expect(timeline.at(-1)).toMatchObject({ channels: { temperature: { t: [now] } } })
    expect(timeline[0]).toMatchObject({
      channels: expect.arrayContaining([expect.objectContaining({ name: 'rssi', unit: 'dB[mW]' })]),
    })
  })

  test('an uplink without a codec has signal and counter; status has the battery; other events are ignored', () => {
    const { object: _, ...raw } = uplink
    expect(send(entry, topic('up'), raw).values).toEqual({ fCnt: 17, fPort: 2, dr: 5, rssi: -97, snr: 6.5 })
    const status = { time: uplink.time, margin: 7, externalPowerSource: false, batteryLevel: 75.5 }
    expect(send(entry, topic('status'), status).values).toEqual({ margin: 7, externalPowerSource: false, batteryLevel: 75.5 })
    for (const event of ['join', 'ack', 'txack', 'log']) expect(ignoredBy(entry, topic(event))).toBe(true)
  })
})

test('an entry may add words and ignored topics to its template', () => {
  const entry = { template: 'tasmota', words: { AN: true }, ignore: ['tele/test/#'] }
  expect(send(entry, 'stat/a/RESULT', { POWER: 'AN' }).values).toEqual({ POWER: true })
  expect(ignoredBy(entry, 'tele/test/SENSOR')).toBe(true)
})
