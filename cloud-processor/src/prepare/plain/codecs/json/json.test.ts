import { describe, expect, test } from 'vitest'
import type { PlainConfig } from '../../config.ts'
import { plainOf, testCodec } from '../conformance.ts'
import { json } from './json.ts'

const config: PlainConfig & { time?: string } = {
  filter: 'sensors/+/vitals',
  codec: 'json',
  device: '{1}',
  time: 'at',
  channels: [
    { name: 'pulse_rate', path: 'vitals.hr', unit: '/min', kind: 'number' },
    { name: 'label', path: 'label', unit: '1', kind: 'text' },
  ],
}
const read = (text: string, changed: Partial<typeof config> = {}) =>
  json.decode(Buffer.from(text), { ...config, ...changed }, 1000).devices[0]!

testCodec(json, plainOf(config), [
  Buffer.from('{"at":5,"vitals":{"hr":61},"label":"a"}'),
  Buffer.from('[{"at":"2026-01-01T00:00:00Z","vitals":{"hr":61.5}},{"at":6,"label":null}]'),
])

describe('json payloads', () => {
  test('are read by path, one object or several', () => {
    expect(read('[{"at":5,"vitals":{"hr":61}},{"at":6,"vitals":{"hr":62},"label":"a"}]')).toEqual({
      labels: {},
      columns: { channels: { pulse_rate: { t: [5, 6], v: [61, 62] }, label: { t: [6], v: ['a'] } }, waves: {} },
      places: new Map([
        ['pulse_rate@5', [0]],
        ['pulse_rate@6', [1]],
        ['label@6', [1]],
      ]),
      problems: [],
    })
  })

  test('take ISO 8601 times, and the time of arrival where none is configured', () => {
    expect(read('{"at":"1970-01-01T00:00:01Z","label":"a"}').columns.channels.label!.t).toEqual([1000])
    expect(read('{"label":"a"}', { time: undefined }).columns.channels.label!.t).toEqual([1000])
  })

  test('reject one value of another type and keep its neighbours', () => {
    const { columns, problems } = read('{"at":5,"vitals":{"hr":"fast"},"label":"a"}')
    expect(Object.keys(columns.channels)).toEqual(['label'])
    expect(problems).toEqual([{ channel: 'pulse_rate', place: 0, detail: '"fast" at "vitals.hr" is not a number' }])
  })

  test('name a time that cannot be read', () => {
    expect(read('{"at":"noon","label":"a"}').problems).toHaveLength(1)
  })

  test('reject a number that is too large to be one', () => {
    expect(read('{"at":5,"vitals":{"hr":1e999}}').problems).toMatchObject([{ detail: 'Infinity at "vitals.hr" is not a number' }])
  })

  test('are refused whole when no configured channel is to be found in them; a null and an empty list say nothing', () => {
    expect(() => read('{"at":5,"heart_rate":61}')).toThrow('there is nothing at "vitals.hr", "label"')
    expect(read('{"at":5,"label":null}').columns.channels).toEqual({})
    expect(read('[]').columns.channels).toEqual({})
  })

  test('that are not JSON, or not UTF-8, are refused whole', () => {
    expect(() => read('{"at":')).toThrow()
    expect(() => json.decode(Buffer.from([0x22, 0xff, 0x22]), config, 0)).toThrow()
  })
})
