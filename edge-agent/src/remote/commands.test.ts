import { expect, test } from 'vitest'
import { parseCapture } from '../decoders/capture.ts'
import { gateway, tcp } from './testing/gateway.ts'

test('a command is done once, in its time, also when it comes again after a restart', async () => {
  const one = await gateway()
  const order = { k: 'command', id: 'a', command: 'restart', expiresMs: one.clock.nowMs + 5000 }
  one.hostOffMs = undefined
  await one.take(order)
  expect([one.started.length, one.newest.answer]).toEqual([1, undefined])
  one.hostOffMs = 3000
  expect((await one.take(order)).answer).toEqual({ id: 'a', state: 'done' })
  expect((await one.take(order)).answer).toEqual({ id: 'a', state: 'done' })
  await one.start()
  expect((await one.take(order)).answer).toMatchObject({ id: 'a', state: 'done' })
  expect(one.started.length).toBe(3)
  await one.pass(3000)
  expect((await one.take({ ...order, id: 'late' })).answer).toEqual({
    id: 'late',
    state: 'expired',
    detail: 'it came 1 s too late',
  })
  expect(one.started.length).toBe(3)
})

test('over a link without an account only status and a rebirth are commanded; with remote false nothing is', async () => {
  const answers = async (more: object) => {
    const one = await gateway(more)
    const states: string[] = []
    for (const command of ['status', 'rebirth', 'restart'])
      states.push((await one.take({ k: 'command', id: command, command, expiresMs: one.clock.nowMs + 5000 })).answer!.state)
    return states
  }
  expect(await answers({ uplink: {} })).toEqual(['done', 'done', 'refused'])
  expect(await answers({ remote: false })).toEqual(['refused', 'refused', 'refused'])
  expect(await answers({ remote: { commands: false } })).toEqual(['refused', 'refused', 'refused'])
  expect(await answers({})).toEqual(['done', 'done', 'done'])
})

test('a capture is what a device sends for a while, bounded, and holds nothing else up', async () => {
  const one = await gateway()
  await one.apply(1, { devices: [tcp] })
  await one.confirm()
  const order = (id: string, device: string) => ({
    k: 'command',
    id,
    command: 'capture',
    device,
    seconds: 5,
    expiresMs: one.clock.nowMs + 15_000,
  })
  expect((await one.take(order('x', 'kettle'))).answer).toMatchObject({
    state: 'refused',
    detail: expect.stringContaining('there are: boiler'),
  })
  expect((await one.take(order('a', 'boiler'))).answer).toMatchObject({ id: 'x' })
  one.tap!.opened(one.clock.nowMs)
  await one.pass(1000)
  one.tap!.bytes(Buffer.from('$GP'), one.clock.nowMs)
  expect((await one.take({ k: 'command', id: 'b', command: 'status', expiresMs: one.clock.nowMs + 1 })).answer).toMatchObject({
    id: 'b',
  })
  await one.take(order('a', 'boiler'))
  await one.pass(4000)
  const { answer } = one.newest
  expect(parseCapture(answer!.data as string)).toMatchObject({
    head: { device: 'boiler', decoder: { kind: 'nmea-0183' } },
    entries: [
      { ms: 0, event: 'opened' },
      { ms: 1000, hex: '244750' },
    ],
  })
  expect(one.tap).toBeUndefined()
  await one.take(order('long', 'boiler'))
  for (let k = 0; k < 200; k++) one.tap?.bytes(new Uint8Array(1000), one.clock.nowMs)
  await one.settle()
  const cut = one.newest.answer!
  expect([cut.detail, (cut.data as string).length < 200_000]).toEqual(['cut at 196608 bytes', true])
})
