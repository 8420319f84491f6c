import { expect, test } from 'vitest'
import { propose } from './propose.ts'

test('numbers, booleans and texts of a JSON object become channels, with the unit that the name says', () => {
  expect(propose(['{"temp":21.5,"hum":{"rel":40},"door":true,"mode":"auto","list":[1,2],"none":null}'])).toEqual({
    codec: 'json',
    channels: [
      { name: 'temp', path: 'temp', kind: 'number', unit: 'Cel' },
      { name: 'hum.rel', path: 'hum.rel', kind: 'number', unit: '%' },
      { name: 'door', path: 'door', kind: 'boolean', unit: '1' },
      { name: 'mode', path: 'mode', kind: 'text', unit: '1' },
    ],
  })
})

test('what several messages have is put together, and a time in them is the time', () => {
  const found = propose([`{"ts":${Date.now()},"a":1}`, `{"ts":${Date.now()},"b":2}`])
  expect(found).toMatchObject({ time: 'ts', channels: [{ name: 'a' }, { name: 'b' }] })
  expect(propose(['{"ts":5,"a":1}'])).not.toHaveProperty('time')
})

test('SenML and the line protocol are known', () => {
  expect(propose(['[{"bn":"x","n":"temp","u":"Cel","v":20},{"n":"on","vb":true}]'])).toMatchObject({
    codec: 'senml-json',
    channels: [
      { path: 'temp', kind: 'number' },
      { path: 'on', kind: 'boolean' },
    ],
  })
  expect(propose(['air,host=a temp=20.5,ok=t 1700000000'])).toMatchObject({
    codec: 'influx-line',
    channels: [
      { path: 'air.temp', kind: 'number' },
      { path: 'air.ok', kind: 'boolean' },
    ],
  })
})

test('what holds no value makes no proposal', () => {
  for (const text of ['', 'hello', '{}', '[]', 'null', '{"a":{}}']) expect(propose([text])).toBeUndefined()
})
