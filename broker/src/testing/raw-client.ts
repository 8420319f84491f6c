/** A TCP client that says exactly what a test tells it to. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'

export interface RawClient {
  socket: Socket
  send(bytes: Buffer): void
  /** The first `length` bytes that came; waits for them. Rejects when the connection ends before. */
  receive(length: number): Promise<Buffer>
  /** Resolves when the broker has closed the connection. */
  closed: Promise<void>
}

export async function connectRaw(port: number): Promise<RawClient> {
  const socket = connectTcp({ port, host: '127.0.0.1' })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  return {
    socket,
    closed,
    send: (bytes) => void socket.write(bytes),
    async receive(length) {
      let ended = false
      closed.then(() => {
        ended = true
      })
      for (;;) {
        const all = Buffer.concat(chunks)
        if (all.length >= length) return all.subarray(0, length)
        if (ended) throw new Error(`closed after ${all.length} of ${length} bytes`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    },
  }
}
