/** A receiver on a TCP port that says its speed five times a second. Every alarm has a speed of its own, by which it is found again. */
import { createServer, type Socket } from 'node:net'

export interface Gps {
  port: number
  /** Goes fast for a second: an alarm is due. Resolves with its speed and when it was first said. */
  alarm(): Promise<{ speed: number; atMs: number }>
  close(): Promise<void>
}

const everyMs = 200
const slow = 5

export async function openGps(): Promise<Gps> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let speed = slow
  let fastest = 100
  const say = () => {
    for (const socket of sockets) socket.write(sentence(`GPVTG,0.0,T,,M,${speed.toFixed(1)},N,0.0,K`))
  }
  const timer = setInterval(say, everyMs)
  return {
    port: (server.address() as { port: number }).port,
    async alarm() {
      speed = ++fastest
      say()
      const told = { speed, atMs: Date.now() }
      await new Promise((resolve) => setTimeout(resolve, 1000))
      speed = slow
      return told
    },
    close() {
      clearInterval(timer)
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function sentence(text: string): string {
  let sum = 0
  for (const byte of Buffer.from(text)) sum ^= byte
  return `$${text}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`
}
