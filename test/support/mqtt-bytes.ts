/** MQTT 3.1.1 said byte by byte, right or wrong; a library would not send what is wrong. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'

export interface Greeting {
  clientId: string
  username?: string
  password?: string
  will?: { topic: string; payload: string }
}

export function connectPacket({ clientId, username, password, will }: Greeting): Buffer {
  const flags = 0x02 | (will ? 0x04 : 0) | (password === undefined ? 0 : 0x40) | (username === undefined ? 0 : 0x80)
  const fields = [clientId, ...(will ? [will.topic, will.payload] : []), username, password]
  return packet(
    0x10,
    field('MQTT'),
    Buffer.of(4, flags, 0, 60),
    ...fields.flatMap((text) => (text === undefined ? [] : field(text))),
  )
}

export function publishPacket(topic: string, payload: Uint8Array): Buffer {
  return packet(0x30, field(topic), payload)
}

export function subscribePacket(filter: string): Buffer {
  return packet(0x82, Buffer.of(0, 1), field(filter), Buffer.of(0))
}

export interface RawConnection {
  socket: Socket
  /** The next bytes that come; rejects when the connection ends before. */
  receive(bytes: number): Promise<Buffer>
  /** Resolves with everything that came, when the other side has closed or `withinMs` are over. */
  untilClosed(withinMs?: number): Promise<{ isClosed: boolean; received: Buffer }>
}

export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connectTcp({ port, host: '127.0.0.1' })
  let received = Buffer.alloc(0)
  let taken = 0
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes])
  })
  await once(socket, 'connect')
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)))
  return {
    socket,
    async receive(bytes) {
      while (received.length < taken + bytes) {
        const isOver = socket.destroyed
        if (isOver && received.length < taken + bytes)
          throw new Error(`closed after ${received.length - taken} of ${bytes} bytes`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      taken += bytes
      return received.subarray(taken - bytes, taken)
    },
    async untilClosed(withinMs = 3000) {
      const isClosed = await Promise.race([closed, new Promise<false>((resolve) => setTimeout(() => resolve(false), withinMs))])
      socket.destroy()
      return { isClosed, received }
    },
  }
}

export function packet(first: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(first, ...remainingLength(body.length)), body])
}

function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) | 0x80, ...remainingLength(Math.floor(length / 128))]
}

export function field(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}
