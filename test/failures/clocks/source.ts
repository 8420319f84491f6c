/** A source on a TCP port that prints a line ten times a second: its number and a value. It remembers when each line was printed. */
import { createServer, type Socket } from 'node:net'

export interface Source {
  port: number
  /** True time of each line, epoch ms, by its number. */
  saidMs: Map<number, number>
  /** For a second the value is one that an alarm is due for. */
  alarm(): Promise<void>
  /** True: it prints nothing until it may again. */
  hush(isHushed: boolean): void
  stop(): void
}

const everyMs = 100
const quiet = 20
const loud = 60

/** @param print sends a line, false when nobody listens */
export function everyTenth(print: (number: number, value: number) => boolean): Omit<Source, 'port'> {
  const saidMs = new Map<number, number>()
  let [number, value] = [0, quiet]
  let isHushed = false
  const timer = setInterval(() => {
    const atMs = Date.now()
    if (!isHushed && print(number + 1, value)) saidMs.set(++number, atMs)
  }, everyMs)
  return {
    saidMs,
    async alarm() {
      value = loud
      await new Promise((resolve) => setTimeout(resolve, 1000))
      value = quiet
      await new Promise((resolve) => setTimeout(resolve, 500))
    },
    hush: (to) => {
      isHushed = to
    },
    stop: () => clearInterval(timer),
  }
}

export async function openSource(atEnd: (end: () => unknown) => void): Promise<Source> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    // What an agent finds waiting when it opens a line is of before, and it discards that.
    setTimeout(() => sockets.add(socket), 500)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const said = everyTenth((number, value) => {
    for (const socket of sockets) socket.write(`${number},${value}\n`)
    return sockets.size > 0
  })
  atEnd(() => {
    said.stop()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { ...said, port: (server.address() as { port: number }).port }
}
