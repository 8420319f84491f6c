/**
 * The network between a gateway and the cloud, as a proxy on loopback that can be cut. `reset` breaks connections at once and
 * refuses new ones, as a router does that knows; `silent` keeps them and lets nothing through, as a lost radio link does.
 */
import { connect, createServer, type Socket } from 'node:net'

export interface Link {
  /** Where the gateway connects, on 127.0.0.1. */
  port: number
  cut(how?: 'reset' | 'silent'): void
  mend(): void
  close(): Promise<void>
}

export async function openLink(to: { host: string; port: number }): Promise<Link> {
  const pairs = new Set<[Socket, Socket]>()
  let state: 'whole' | 'reset' | 'silent' = 'whole'

  const server = createServer((near) => {
    if (state === 'reset') return void near.resetAndDestroy()
    const far = connect(to)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    join(near, far, () => pairs.delete(pair))
    if (state === 'silent') hush(pair)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as { port: number }).port,
    cut(how = 'reset') {
      state = how
      for (const pair of pairs) {
        if (how === 'silent') hush(pair)
        else for (const socket of pair) socket.resetAndDestroy()
      }
    },
    mend() {
      state = 'whole'
      for (const [near, far] of pairs) join(near, far)
    },
    async close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Each end's bytes and its end go to the other. */
function join(near: Socket, far: Socket, closed?: () => void): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.pipe(to)
    if (!closed) continue
    from.on('error', () => from.destroy())
    from.on('close', () => {
      to.destroy()
      closed()
    })
  }
}

function hush([near, far]: [Socket, Socket]): void {
  for (const socket of [near, far]) socket.unpipe().pause()
}
