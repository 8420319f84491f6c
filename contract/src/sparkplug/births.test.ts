import { describe, expect, it } from 'vitest'
import { nodeMetrics } from '../naming.ts'
import type { Channel } from '../records/fields.ts'
import { type AliasedChannel, declarationId, declare } from './declaration.ts'
import { decodeDeviceBirth, encodeDeviceBirth } from './device-birth.ts'
import { SparkplugError } from './error.ts'
import {
  bdSeqOf,
  encodeDeviceDeath,
  encodeNodeBirth,
  encodeNodeCommand,
  encodeNodeData,
  encodeNodeDeath,
} from './node-messages.ts'
import { noteAlias, noteOfAlias } from './notes.ts'
import { decodePayload, type Payload } from './payload.ts'

const channels: AliasedChannel[] = [
  { alias: 3, channel: { name: 'hr', kind: 'number', datatype: 'Int16', unit: '/min', range: [20, 300], code: 'mdc:147842' } },
  {
    alias: 1,
    channel: { name: 'temp', kind: 'number', datatype: 'Int32', unit: 'Cel', scale: 0.1, offset: -40, intervalMs: 500 },
  },
  { alias: 2, channel: { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 1000 / 60 } },
  { alias: 4, channel: { name: 'note', kind: 'text', datatype: 'String', unit: '1', historical: true } },
  { alias: 5, channel: { name: 'on', kind: 'boolean', datatype: 'Boolean', unit: '1' } },
  {
    alias: 6,
    channel: { name: 'steps', kind: 'number', datatype: 'Int32', unit: '1', counter: { modulus: 65_536, resets: false } },
  },
  {
    alias: 7,
    channel: { name: 'energy', kind: 'number', datatype: 'Int64', unit: 'kW.h', scale: 0.1, counter: { resets: true } },
  },
]
const declaration = declare('bed4', channels)

describe('a declaration', () => {
  it('has an id of 32 hex digits that does not depend on the order of its channels', () => {
    expect(declaration.id).toMatch(/^[0-9a-f]{32}$/)
    expect(declarationId('bed4', [...channels].reverse())).toBe(declaration.id)
  })

  it('has the id that its description gives', () => {
    // printf '["d",[[1,"a","number","Int16","1",1,0,null,null,null]]]' | sha256sum
    const simple: Channel = { name: 'a', kind: 'number', datatype: 'Int16', unit: '1' }
    expect(declarationId('d', [{ alias: 1, channel: simple }])).toBe('1128d447bfc1cb93b909c08c5b6e3a24')
    expect(declarationId('d', [{ alias: 1, channel: { ...simple, scale: 1, offset: 0 } }])).toBe(
      '1128d447bfc1cb93b909c08c5b6e3a24',
    )
  })

  it('has another id when anything in it changes', () => {
    const { alias, channel } = channels[0]!
    const others: AliasedChannel[] = [
      { alias: 9, channel },
      { alias, channel: { ...channel, name: 'pr' } },
      { alias, channel: { ...channel, datatype: 'Int32' } },
      { alias, channel: { ...channel, unit: '1' } },
      { alias, channel: { ...channel, scale: 2 } },
      { alias, channel: { ...channel, offset: 2 } },
      { alias, channel: { ...channel, code: 'x' } },
      { alias, channel: { ...channel, intervalMs: 1 } },
      { alias, channel: { ...channel, range: [0, 1] } },
      { alias, channel: { ...channel, silentMsMax: 1 } },
      { alias, channel: { ...channel, counter: { resets: true } } },
      { alias, channel: { ...channel, counter: { resets: false } } },
      { alias, channel: { ...channel, counter: { modulus: 1, resets: true } } },
      { alias, channel: { ...channel, silentMsMax: 1, counter: { resets: true } } },
      { alias, channel: { ...channel, historical: true } },
    ]
    const ids = new Set([declaration.id, declarationId('bed5', channels)])
    for (const other of others) ids.add(declarationId('bed4', [other, ...channels.slice(1)]))
    expect(ids.size).toBe(2 + others.length)
  })
})

describe('a device birth of Millrace', () => {
  const payload = decodePayload(encodeDeviceBirth(declaration, { timestamp: 1000, seq: 4 }))

  it('is named after the declaration and gives it back', () => {
    expect(payload).toMatchObject({ uuid: `millrace-birth:${declaration.id}`, seq: 4, timestamp: 1000 })
    const birth = decodeDeviceBirth(payload)
    expect(birth).toEqual({ declaration: declaration.id, channels, skipped: [] })
    expect(declarationId('bed4', birth.channels as AliasedChannel[])).toBe(birth.declaration)
  })

  it('has null values with name, datatype and time, and declares absences and bad frames, each metric with an alias of its own', () => {
    for (const metric of payload.metrics) expect(metric).toMatchObject({ value: null, timestamp: 1000, name: expect.any(String) })
    expect(payload.metrics.slice(-2).map(({ name, alias, datatype }) => [name, alias, datatype])).toEqual([
      [nodeMetrics.absence, noteAlias('bed4', 'absence'), 'String'],
      [nodeMetrics.rejected, noteAlias('bed4', 'rejected'), 'String'],
    ])
    expect(new Set(payload.metrics.map(({ alias }) => alias ?? 'none')).size).toBe(payload.metrics.length)
    expect([noteOfAlias(noteAlias('a', 'absence')), noteOfAlias(noteAlias('b', 'rejected')), noteOfAlias(7)]).toEqual([
      'absence',
      'rejected',
      undefined,
    ])
  })

  it('has a last value where one is known', () => {
    const bytes = encodeDeviceBirth(declaration, { timestamp: 1000, seq: 4, last: { hr: { t: 900, v: 72 } } })
    expect(decodeDeviceBirth(decodePayload(bytes)).channels[0]).toMatchObject({ alias: 3, last: { t: 900, v: 72 } })
    expect(() => encodeDeviceBirth(declaration, { timestamp: 1, seq: 4, last: { hr: { t: 9, v: 'x' } } })).toThrow(SparkplugError)
  })
})

describe('a device birth of a foreign node', () => {
  it('gives channels by alias or by name, with what it says of them', () => {
    const payload: Payload = {
      metrics: [
        { name: 'Inputs/A', timestamp: 5, datatype: 'Boolean', value: false },
        {
          name: 'Level',
          alias: 7,
          timestamp: 5,
          datatype: 'UInt16',
          value: 400,
          properties: new Map([['engUnit', { type: 'String', value: 'cm' }]]),
        },
        { name: 'Serial', alias: 8, timestamp: 5, datatype: 'Text', value: null },
      ],
    }
    expect(decodeDeviceBirth(payload)).toEqual({
      declaration: undefined,
      channels: [
        { channel: { name: 'Inputs/A', kind: 'boolean', datatype: 'Boolean', unit: '1' }, last: { t: 5, v: false } },
        {
          alias: 7,
          channel: { name: 'Level', kind: 'number', datatype: 'Int32', wire: 'UInt16', unit: 'cm' },
          last: { t: 5, v: 400 },
        },
        { alias: 8, channel: { name: 'Serial', kind: 'text', datatype: 'String', unit: '1' } },
      ],
      skipped: [],
    })
  })

  it('skips what no channel can hold, and says why', () => {
    const payload: Payload = {
      metrics: [
        { alias: 1, datatype: 'Int16', value: 1 },
        { name: '__proto__', datatype: 'Int16', value: 1 },
        { name: 'table', datatype: 'DataSet', value: Uint8Array.of() },
        { name: 'wave', datatype: 'Int16Array', value: [1] },
        { name: 'what', value: 1 },
        { name: 'Device Control/Reboot', datatype: 'Boolean', value: false },
      ],
    }
    const { channels, skipped } = decodeDeviceBirth(payload)
    expect(channels).toEqual([])
    expect(skipped.map(({ name }) => name)).toEqual([undefined, '__proto__', 'table', 'wave', 'what'])
    for (const { reason } of skipped) expect(reason).toBeTruthy()
  })
})

describe('messages of a node', () => {
  it('NBIRTH has bdSeq, rebirth and the Millrace metrics, all with a time and none with an alias', () => {
    const payload = decodePayload(
      encodeNodeBirth({
        bdSeq: 3,
        timestamp: 10,
        properties: { Software: 'millrace 0.1' },
        metrics: [{ name: 'Load', datatype: 'Double', value: 0.5 }],
      }),
    )
    expect(payload.seq).toBe(0)
    expect(bdSeqOf(payload)).toBe(3)
    expect(payload.metrics.map(({ name, datatype, value }) => [name, datatype, value])).toEqual([
      ['bdSeq', 'Int64', 3],
      ['Node Control/Rebirth', 'Boolean', false],
      ['Node Control/Receipt', 'String', null],
      ['Millrace/Ledger', 'String', null],
      ['Millrace/Gap', 'String', null],
      ['Properties/Software', 'String', 'millrace 0.1'],
      ['Load', 'Double', 0.5],
    ])
    for (const { timestamp, alias } of payload.metrics) expect([timestamp, alias]).toEqual([10, undefined])
  })

  it('NDEATH has bdSeq alone and no seq', () => {
    expect(decodePayload(encodeNodeDeath(200))).toEqual({ metrics: [{ name: 'bdSeq', datatype: 'Int64', value: 200 }] })
    expect(bdSeqOf(decodePayload(encodeNodeDeath(0, 5)))).toBe(0)
  })

  it('DDEATH has a time and a seq', () => {
    expect(decodePayload(encodeDeviceDeath({ timestamp: 8, seq: 255 }))).toEqual({ timestamp: 8, seq: 255, metrics: [] })
  })

  it('NCMD has one metric and no seq', () => {
    expect(decodePayload(encodeNodeCommand(nodeMetrics.rebirth, true, 5))).toEqual({
      timestamp: 5,
      metrics: [{ name: 'Node Control/Rebirth', timestamp: 5, datatype: 'Boolean', value: true }],
    })
    expect(decodePayload(encodeNodeCommand(nodeMetrics.receipt, '{}', 5)).metrics[0]).toMatchObject({ datatype: 'String' })
  })

  it('NDATA has String metrics and may be named as an entry of the stream', () => {
    const name = { stream: 'abcdefgh', number: 2, count: 0 }
    const payload = decodePayload(encodeNodeData({ name, metrics: { [nodeMetrics.ledger]: '{"f":1}' }, timestamp: 5, seq: 6 }))
    expect(payload).toEqual({
      timestamp: 5,
      seq: 6,
      uuid: 'millrace:abcdefgh/2/0',
      metrics: [{ name: 'Millrace/Ledger', timestamp: 5, value: '{"f":1}' }],
    })
  })
})
