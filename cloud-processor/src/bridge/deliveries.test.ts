import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Delivery } from '@millrace/contract'
import { systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import { openConnection } from './mqtt-connection.ts'

/** PUBLISH of QoS 1 to `a`, with the payload `1`. */
const publish = (packetId: number, isDup: boolean) => Buffer.of(0x32 | (isDup ? 8 : 0), 6, 0, 1, 0x61, 0, packetId, 0x31)

test('a message that is sent again keeps its number until its PUBACK was sent', { timeout: 20_000 }, async () => {
  const broker = createServer()
  broker.listen(0, '127.0.0.1')
  await once(broker, 'listening')
  const { port } = broker.address() as AddressInfo
  const seen: (Delivery | undefined)[] = []
  let isDurable = false
  const connection = openConnection(
    {
      url: `mqtt://127.0.0.1:${port}`,
      clientId: 'c',
      filters: ['a'],
      keepaliveSeconds: 5,
      restMs: 1,
      packetBytesMax: 1e6,
      isPersistent: true,
    },
    {
      up() {},
      message(_topic, _payload, packet, settled) {
        seen.push(packet.delivery)
        if (isDurable) settled(true)
      },
      tooLarge() {},
      down() {},
    },
    systemClock,
  )
  let connections = 0
  /** Welcomes the connection, sends, and closes it when what was sent has been read. */
  const serve = async (...packets: Buffer[]) => {
    const [socket] = (await once(broker, 'connection')) as [Socket]
    await once(socket, 'data')
    const isFirst = connections++ === 0
    socket.write(Buffer.of(0x20, 2, isFirst ? 0 : 1, 0))
    if (isFirst) {
      await once(socket, 'data')
      socket.write(Buffer.of(0x90, 3, 0, 1, 1))
    }
    const wanted = seen.length + packets.length
    socket.write(Buffer.concat(packets))
    while (seen.length < wanted) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
  }
  await serve(publish(7, false), publish(8, false))
  isDurable = true
  await serve(publish(7, true), publish(8, true), publish(9, false))
  await serve(publish(9, true))
  await connection.close()
  broker.close()
  expect(seen.map((one) => one?.number)).toEqual([1, 2, 1, 2, 3, 4])
  expect(seen.at(-1)).toMatchObject({ oldest: 4, isFirst: false })
})
