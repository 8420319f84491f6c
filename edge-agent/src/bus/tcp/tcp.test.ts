import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { freePort } from '@millrace/platform/testing/free-port'
import { describeBus } from '../conformance.ts'
import { tcp } from './tcp.ts'

describeBus(tcp, async () => {
  const port = await freePort()
  const peers: Socket[] = []
  const taken: Buffer[] = []
  let server: Server | undefined

  async function plugIn(): Promise<void> {
    server = createServer((socket) => {
      peers.push(socket.on('error', () => {}).on('data', (bytes) => taken.push(bytes)))
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
  }

  async function unplug(): Promise<void> {
    for (const peer of peers.splice(0)) peer.destroy()
    server?.close()
    server = undefined
  }

  return {
    config: { host: '127.0.0.1', port },
    plugIn,
    unplug,
    close: unplug,
    taken: () => Buffer.concat(taken),
    async send(bytes) {
      // Connected is not yet accepted.
      while (server && peers.length === 0) await once(server, 'connection')
      peers.at(-1)?.write(bytes)
    },
  }
})
