import { type Channel, nodeMetrics, reportName } from '@millrace/contract'
import { decodePayload, encodeNodeCommand, peek } from '@millrace/contract/sparkplug'
import { createMetrics, silentLog, systemClock } from '@millrace/platform'
import { expect, onTestFinished, test } from 'vitest'
import { memoryStorage, openOutbox, outboxSchema } from '../outbox/index.ts'
import { uplinkSchema } from './options.ts'
import type { Orders } from './orders.ts'
import type { TransportEvents } from './transport.ts'
import { createUplink } from './uplink.ts'

const channels: Channel[] = [{ name: 'pulse', kind: 'number', datatype: 'Int32', unit: '/min' }]

/** An uplink whose broker is this test. */
async function start(orders: Orders | undefined) {
  const context = { clock: systemClock, log: silentLog, metrics: createMetrics() }
  const outbox = await openOutbox(memoryStorage(), outboxSchema.parse({}), context)
  const sent: { type: string; payload: Uint8Array }[] = []
  let events: TransportEvents | undefined
  const uplink = createUplink({
    ...context,
    outbox,
    transport: {
      connect(_will, own) {
        events = own
        queueMicrotask(own.open)
        const publish = (topic: string, payload: Uint8Array) => sent.push({ type: topic.split('/')[2]!, payload }) > 0
        return { subscribe: async () => {}, publish, end: async () => {} }
      },
    },
    node: { group: 'g', node: 'n' },
    host: 'millrace',
    devices: [{ device: 'a', channels }],
    orders,
    options: uplinkSchema.parse({}),
  })
  onTestFinished(async () => {
    await uplink.stop()
    await outbox.close()
  })
  uplink.start()
  const command = (name: string, value: string | boolean) =>
    events!.message('spBv1.0/g/NCMD/n', encodeNodeCommand(name, value, Date.now()))
  const reports = () => sent.filter(({ payload }) => peek(payload)?.uuid === reportName)
  return { uplink, sent, command, reports }
}

test('the node reports after each of its births, in sequence, and hands orders on', async () => {
  const taken: string[] = []
  const { uplink, sent, command, reports } = await start({ take: (text) => taken.push(text), report: () => 'how it is' })
  expect(uplink.report('too early')).toBe(false)
  await expect.poll(() => reports().length).toBe(1)
  expect(sent.slice(0, 3).map(({ type, payload }) => [type, peek(payload)!.seq])).toEqual([
    ['NBIRTH', 0],
    ['DBIRTH', 1],
    ['NDATA', 2],
  ])
  const [metric] = decodePayload(reports()[0]!.payload).metrics
  expect([metric!.name, metric!.value]).toEqual([nodeMetrics.report, 'how it is'])
  command(nodeMetrics.order, 'an order')
  expect(taken).toEqual(['an order'])
  await new Promise((resolve) => setTimeout(resolve, 1000))
  command(nodeMetrics.rebirth, true)
  await expect.poll(() => reports().length, { timeout: 3000 }).toBe(2)
  expect(uplink.report('again')).toBe(true)
  expect(reports().length).toBe(3)
})

test('without remote care nothing is reported, and orders are ignored', async () => {
  const { sent, command, reports } = await start(undefined)
  await expect.poll(() => sent.some(({ type }) => type === 'DBIRTH')).toBe(true)
  command(nodeMetrics.order, 'an order')
  expect(reports()).toEqual([])
})
