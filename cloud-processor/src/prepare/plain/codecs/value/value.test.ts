import { describe, expect, test } from 'vitest'
import { arrivedMs, plainOf, testCodec } from '../conformance.ts'
import { value } from './value.ts'

const config = plainOf({ filter: 'home/#', codec: 'value', channels: [{ name: 'level', path: '$' }] })
const open = plainOf({ filter: 'home/#', codec: 'value', words: { ON: true, OFF: false, unknown: null } })

testCodec(value, config, [Buffer.from('29.7'), Buffer.from('"-3"')])

function read(text: string, given = open) {
  const { columns, problems } = value.decode(Buffer.from(text), { ...given, channelName: 'x' }, arrivedMs).devices[0]!
  return columns.channels.x?.v[0] ?? columns.channels.level?.v[0] ?? problems[0]?.detail
}

describe('a payload that is one value', () => {
  test.each([
    ['29.700001', 29.700001],
    [' 29.7\n', 29.7],
    ['"29.7"', 29.7],
    ['-1e3', -1000],
    ['+5', 5],
    ['.5', 0.5],
    ['true', true],
    ['ON', true],
    ['"OFF"', false],
    ['on', 'on'],
    ['007', '007'],
    ['29.7 C', '29.7 C'],
    ['{broken', '{broken'],
    ['unknown', undefined],
    ['null', undefined],
  ])('%j is %j', (text, expected) => expect(read(text)).toBe(expected))

  test('is rejected with its digits when no number holds it', () => {
    expect(read('9007199254740993')).toContain('9007199254740993')
    expect(read('"9007199254740993"')).toContain('9007199254740993')
  })

  test('is of the kind of its channel', () => {
    const text = plainOf({ filter: 'x', codec: 'value', channels: [{ name: 'level', path: '$', kind: 'text' }] })
    expect([read('29.70', text), read('9007199254740993', text), read('ON', text)]).toEqual(['29.7', '9007199254740993', 'ON'])
    expect(read('ON', config)).toBe('"ON" at "$" is not a number')
  })

  test('may be within an object where the configuration says where', () => {
    const inside = { ...open, at: 'state.now' }
    expect(read('{"state":{"now":"ON"}}', inside)).toBe(true)
    expect(read('OFF', inside)).toBe(false)
    expect(() => read('{"state":5}', inside)).toThrow('not one value at "state.now"')
    expect(() => read('{"a":1}')).toThrow('set at, or codec: json')
    expect(() => read('[1]')).toThrow('not one value')
    expect(() => read('')).toThrow('empty')
  })
})
