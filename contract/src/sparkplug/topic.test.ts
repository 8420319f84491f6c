import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SparkplugError } from './error.ts'
import { decodeState, encodeState } from './state.ts'
import { formatTopic, isValidId, parseTopic, type SparkplugTopic } from './topic.ts'

describe('a topic', () => {
  it('is read into its parts', () => {
    expect(parseTopic('spBv1.0/ward 3/NBIRTH/gw1')).toEqual({ type: 'NBIRTH', group: 'ward 3', node: 'gw1' })
    expect(parseTopic('spBv1.0/g/DDATA/gw1/bed:4')).toEqual({ type: 'DDATA', group: 'g', node: 'gw1', device: 'bed:4' })
    expect(parseTopic('spBv1.0/STATE/millrace')).toEqual({ type: 'STATE', host: 'millrace' })
  })

  it('is none when it is not of the form', () => {
    const none = [
      'spAv1.0/g/NBIRTH/n',
      'spBv1.0',
      'spBv1.0/g',
      'spBv1.0/g/NBIRTH', // no node
      'spBv1.0/g/NBIRTH/n/d', // a device where there is none
      'spBv1.0/g/DDATA/n', // no device
      'spBv1.0/g/DDATA/n/',
      'spBv1.0/g/DDATA/n/d/e',
      'spBv1.0//NDATA/n',
      'spBv1.0/g/NDATA/+',
      'spBv1.0/g/NOTHING/n',
      'spBv1.0/g/STATE/n',
      'STATE/host',
    ]
    for (const topic of none) expect([topic, parseTopic(topic)]).toEqual([topic, undefined])
  })

  it('comes back as it went', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isValidId)
    const topic: fc.Arbitrary<SparkplugTopic> = fc.oneof(
      fc.record({ type: fc.constantFrom('NBIRTH', 'NDEATH', 'NDATA', 'NCMD'), group: id, node: id }),
      fc.record({ type: fc.constantFrom('DBIRTH', 'DDEATH', 'DDATA', 'DCMD'), group: id, node: id, device: id }),
      fc.record({ type: fc.constant('STATE'), host: id }),
    ) as fc.Arbitrary<SparkplugTopic>
    fc.assert(
      fc.property(topic, (topic) => {
        expect(parseTopic(formatTopic(topic))).toEqual(topic)
      }),
    )
  })

  it('is not made of ids with reserved characters', () => {
    for (const id of ['', 'a+', '#', 'a/b', 'a\0', '\ud800']) {
      expect(isValidId(id)).toBe(false)
      expect(() => formatTopic({ type: 'NDATA', group: 'g', node: id })).toThrow(SparkplugError)
      expect(() => formatTopic({ type: 'STATE', host: id })).toThrow(SparkplugError)
    }
  })
})

describe('the state of a host', () => {
  it('comes back as it went', () => {
    const state = { online: true, timestamp: 1_700_000_000_000 }
    expect(Buffer.from(encodeState(state)).toString()).toBe('{"online":true,"timestamp":1700000000000}')
    expect(decodeState(encodeState(state))).toEqual(state)
  })

  it('is none when it is something else', () => {
    for (const text of ['ONLINE', 'null', '5', '{}', '{"online":"true","timestamp":1}', '{"online":true,"timestamp":1.5}'])
      expect(decodeState(Buffer.from(text))).toBeUndefined()
    expect(decodeState(Buffer.of(0xff))).toBeUndefined()
  })
})
