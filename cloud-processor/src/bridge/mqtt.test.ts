import { createServer, type Socket } from 'node:net'
import { silentLog, systemClock } from '@millrace/platform'
import { afterEach, expect, test } from 'vitest'
import { bridgeSchema } from './config.ts'
import { connectTransport } from './mqtt.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** Answers CONNECT, and SUBSCRIBE when told to, and nothing else. */
async function silentBroker(answersSubscribe: boolean): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const type = bytes[0]! >> 4
      if (type === 1) socket.write(Buffer.of(0x20, 2, 0, 0))
      if (type === 8 && answersSubscribe) socket.write(Buffer.of(0x90, 3, bytes[2]!, bytes[3]!, 1))
    })
  })
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

test.each([false, true])(
  'a leader steps back though its broker has fallen silent (after SUBACK: %s)',
  async (answersSubscribe) => {
    const config = bridgeSchema.parse({ url: `mqtt://127.0.0.1:${await silentBroker(answersSubscribe)}` })
    const transport = connectTransport(config, { clock: systemClock, logger: silentLog })
    await transport.lead(true)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const startedMs = performance.now()
    await transport.lead(false)
    await transport.close()
    expect(performance.now() - startedMs).toBeLessThan(3000)
  },
)

test('a broker that is not there is told once, not at each attempt', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const warnings: unknown[] = []
  const logger = { ...silentLog, warn: (message: string, fields?: object) => warnings.push({ message, ...fields }) }
  const config = bridgeSchema.parse({ url: `mqtt://someone:secret@127.0.0.1:${port}`, clientId: 'bridge' })
  const transport = connectTransport(config, { clock: systemClock, logger })
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await transport.close()
  const reason = `connect ECONNREFUSED 127.0.0.1:${port}`
  expect(warnings).toEqual([{ message: 'no connection to the broker', client: 'bridge', broker: `127.0.0.1:${port}`, reason }])
})
