/** A network link that can be cut: a TCP proxy on loopback between an agent and its broker. */
import { connect, createServer, type Socket } from 'node:net'

export interface Link {
  port: number
  /** Drops every connection and refuses new ones until `mend`. */
  cut(): void
  mend(): void
  /** Connections stay open but nothing passes, as behind a router that lost its uplink. */
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

export function openLink(target: { host: string; port: number }, port = 0): Promise<Link> {
  const pairs = new Set<[Socket, Socket]>()
  let isCut = false
  let isFrozen = false
  const server = createServer((near) => {
    if (isCut) return near.destroy()
    const far = connect(target)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    join(near, far)
    join(far, near)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end)
  })
  const join = (from: Socket, to: Socket) => {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (!isFrozen) from.resume()
    })
    if (isFrozen) from.pause()
  }
  const each = (act: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket)
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () =>
      resolve({
        port: (server.address() as { port: number }).port,
        cut() {
          isCut = true
          each((socket) => socket.destroy())
        },
        mend() {
          isCut = false
        },
        freeze() {
          isFrozen = true
          each((socket) => socket.pause())
        },
        thaw() {
          isFrozen = false
          each((socket) => socket.resume())
        },
        close: () =>
          new Promise((done) => {
            each((socket) => socket.destroy())
            server.close(() => done())
          }),
      }),
    )
  })
}
