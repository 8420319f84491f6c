import { expect, test } from 'vitest'
import { placesOf, prefixesOf } from './add.ts'

test('the device, its account and what it may publish come from the topic', () => {
  expect(placesOf({ topic: 'lab/esp32-1/state' })).toEqual({
    filter: 'lab/esp32-1/state',
    prefix: 'lab/esp32-1',
    device: 'esp32-1',
    account: 'esp32-1',
  })
  expect(placesOf({ topic: 'lab/+/state', name: 'lab' })).toMatchObject({ prefix: 'lab', device: '{1}', account: 'lab' })
  expect(placesOf({ topic: 'thermometer' })).toMatchObject({ prefix: 'thermometer', device: 'thermometer' })
})

test.each(['', '+/state', '#', '$SYS/x', 'spBv1.0/g/NDATA/n'])('"%s" is refused as the topic of a plain device', (topic) => {
  expect(() => placesOf({ topic })).toThrow('plain MQTT')
})

test('a Tasmota device may publish below both of its prefixes', () => {
  expect(prefixesOf('home/tele/plug-1')).toEqual(['home/tele/plug-1', 'home/stat/plug-1'])
  expect(prefixesOf('lab/esp32-1')).toEqual(['lab/esp32-1'])
})
