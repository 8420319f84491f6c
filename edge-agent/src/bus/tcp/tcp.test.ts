import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, it } from 'vitest'
import { listen } from '../listen-for-test.ts'
import { tcp } from './tcp.ts'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function device(port = 0): Promise<{ server: Server; port: number; peers: Socket[] }> {
  const peers: Socket[] = []
  const server = createServer((socket) => peers.push(socket.on('error', () => {}))).listen(port, '127.0.0.1')
  await once(server, 'listening')
  ending.push(() => {
    for (const peer of peers) peer.destroy()
    server.close()
  })
  return { server, peers, port: (server.address() as AddressInfo).port }
}

it('reads, writes, and connects again when the device comes back', async () => {
  const first = await device()
  const bus = tcp.create(tcp.schema.parse({ host: '127.0.0.1', port: first.port }), { clock: systemClock, log: silentLog })
  const heard = listen()
  bus.start(heard)
  ending.push(() => bus.stop())
  await heard.until('connection', () => heard.events.includes('opened') && first.peers.length === 1)
  first.peers[0]!.write('hello')
  await heard.until('bytes', () => heard.received().toString() === 'hello')
  const asked = once(first.peers[0]!, 'data')
  bus.write(Buffer.from('ask'))
  expect(`${(await asked)[0]}`).toBe('ask')

  first.server.close()
  first.peers[0]!.destroy()
  await heard.until('loss', () => heard.events.includes('lost:unplugged'))
  const second = await device(first.port)
  await heard.until('reconnection', () => second.peers.length === 1 && heard.events.length === 3)
  expect(heard.events).toEqual(['opened', 'lost:unplugged', 'opened'])
})
