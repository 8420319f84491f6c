/** In whatever order things happen, data follows the births [tck-id-payloads-dbirth-order]. */
import { type Channel, emptyEdgeCounts, nodeMetrics } from '@millrace/contract'
import { encodeNodeCommand, encodeState, formatStateTopic, parseTopic, peek } from '@millrace/contract/sparkplug'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import { memoryStorage, type Outbox, openOutbox, outboxSchema } from '../outbox/index.ts'
import { uplinkSchema } from './options.ts'
import type { TransportEvents } from './transport.ts'
import { createUplink, type Uplink } from './uplink.ts'

const channels: Channel[] = [{ name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min' }]
const devices = ['a', 'b', 'c']
let uplink: Uplink
let outbox: Outbox
afterEach(async () => {
  await uplink.stop()
  await outbox.close()
})

interface Wire {
  events: TransportEvents
  /** What was published, by its type. */
  sent: string[]
  seqs: (number | undefined)[]
  /** The socket takes one message, then says that it is full, until `writable` is called. */
  isNarrow: boolean
}

/** Without receipts, so that nothing but the order of births holds data back. `early` comes with the SUBACK. */
async function start(early?: { topic: string; payload: Uint8Array }, declareMs = 0): Promise<Wire> {
  const parts = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  outbox = await openOutbox(memoryStorage(), outboxSchema.parse({ ledgerEveryMs: 20 }), parts)
  const declare = outbox.declare.bind(outbox)
  for (const device of devices) await declare(device, channels)
  outbox.declare = async (...args) => {
    await pause(declareMs)
    return declare(...args)
  }
  const wire = { sent: [], seqs: [], isNarrow: false } as unknown as Wire
  const transport = {
    connect(_will: unknown, events: TransportEvents) {
      wire.events = events
      setTimeout(events.open, 1)
      return {
        async subscribe() {
          if (early) events.message(early.topic, early.payload)
        },
        publish(topic: string, payload: Uint8Array) {
          wire.sent.push(parseTopic(topic)!.type)
          wire.seqs.push(peek(payload)?.seq)
          return !wire.isNarrow
        },
        end: async () => {},
      }
    },
  }
  const options = uplinkSchema.parse({ receipts: false })
  const declared = devices.map((device) => ({ device, channels }))
  uplink = createUplink({ ...parts, outbox, transport, node: { group: 'g', node: 'n' }, host: 'h', devices: declared, options })
  uplink.start()
  return wire
}

let clockMs = 1_000_000
function commit(device: string): Promise<boolean> {
  const columns = { channels: { pulse: { t: [++clockMs], v: [clockMs] } }, waves: {} }
  return outbox.commit([{ device, columns, bad: [], counts: { ...emptyEdgeCounts(), read: [1, 0], frames: [1, 0] } }])
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const until = async (done: () => boolean) => {
  for (const endMs = performance.now() + 5000; !done(); await pause(5)) if (performance.now() > endMs) throw new Error('in vain')
}
const births = ['NBIRTH', 'DBIRTH', 'DBIRTH', 'DBIRTH']
const hasData = (wire: Wire) => wire.sent.includes('DDATA')
const state = (online: boolean, timestamp: number) => ({
  topic: formatStateTopic('h'),
  payload: encodeState({ online, timestamp }),
})

test('after a rebirth command no data leaves before the births, also when it comes too soon for them', async () => {
  const wire = await start()
  await until(() => wire.sent.length >= births.length)
  wire.events.message('spBv1.0/g/NCMD/n', encodeNodeCommand(nodeMetrics.rebirth, true, Date.now()))
  const before = wire.sent.length
  for (let n = 0; n < 10; n++) {
    await commit('a')
    await pause(20)
  }
  expect(wire.sent.slice(before), 'what is sent while the rebirth waits').toEqual([])
  await until(() => hasData(wire))
  expect(wire.sent.slice(before, before + births.length)).toEqual(births)
  expect(wire.seqs.slice(before, before + 4)).toEqual([0, 1, 2, 3])
})

test('while the host is known to be offline no birth is sent; then all are, before data', async () => {
  const wire = await start(state(false, 1000))
  await commit('a')
  await pause(200)
  expect(wire.sent).toEqual([])
  wire.events.message(state(true, 2000).topic, state(true, 2000).payload)
  await until(() => hasData(wire))
  expect(wire.sent.slice(0, births.length)).toEqual(births)
})

test('a rebirth command while the host is offline brings its births when it is back', async () => {
  const wire = await start()
  await until(() => wire.sent.length >= births.length)
  wire.events.message(state(false, 1000).topic, state(false, 1000).payload)
  wire.events.message('spBv1.0/g/NCMD/n', encodeNodeCommand(nodeMetrics.rebirth, true, Date.now()))
  const before = wire.sent.length
  await commit('a')
  await pause(1200)
  expect(wire.sent.slice(before)).toEqual([])
  wire.events.message(state(true, 2000).topic, state(true, 2000).payload)
  await until(() => hasData(wire))
  expect(wire.sent.slice(before, before + births.length)).toEqual(births)
})

test('a socket that is full in the middle of the births gets the others before data', async () => {
  const wire = await start()
  wire.isNarrow = true
  await commit('a')
  await until(() => wire.sent.length > 0)
  for (let n = 0; n < 20 && !hasData(wire); n++) {
    wire.events.writable()
    await pause(5)
  }
  expect(hasData(wire)).toBe(true)
  expect(wire.sent.slice(0, births.length)).toEqual(births)
})

test('a slow disk delays the births, and no data overtakes them', async () => {
  const wire = await start(undefined, 300)
  await pause(150)
  expect(wire.sent).toEqual([])
  await until(() => wire.sent.length >= births.length)
  expect(wire.sent.slice(0, births.length)).toEqual(births)
})
