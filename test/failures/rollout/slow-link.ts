/** A link to a port whose delay, each way, can be changed. */
import { createServer, connect as open, type Socket } from 'node:net'

export interface SlowLink {
  port: number
  delayMs: number
  close(): void
}

export async function openSlowLink(to: number): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = open(to, '127.0.0.1')
    carry(near, far, () => link.delayMs)
    carry(far, near, () => link.delayMs)
    for (const one of [near, far]) sockets.add(one.on('close', () => sockets.delete(one)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const link: SlowLink = {
    port: (server.address() as { port: number }).port,
    delayMs: 0,
    close() {
      for (const one of sockets) one.destroy()
      server.close()
    },
  }
  return link
}

/** In order, whatever becomes of the delay. */
function carry(from: Socket, to: Socket, delayMs: () => number): void {
  let before: Promise<unknown> = Promise.resolve()
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
  from.on('data', (chunk) => {
    const late = delayMs() === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, delayMs()))
    before = before.then(() => late).then(() => to.write(chunk))
  })
}
