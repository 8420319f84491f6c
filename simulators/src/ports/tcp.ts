/**
 * A device behind a serial device server: it listens on loopback and sends its bytes to the client that connects. One reader at a
 * time; a new connection takes over from the one before, as with the servers that outlive a half-open connection.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { MillraceError } from '@millrace/platform'
import type { Port } from './port.ts'

const host = '127.0.0.1'
/** Bytes that may wait in this process for a slow reader: what a serial adapter would hold. */
const waitingBytesMax = 16_384

/** Listens on `portNumber` from the first plug on; 0 takes a free one and keeps it. @throws MillraceError PROCESS_PORT_IN_USE from `plug`. */
export function createTcpPort(portNumber: number): Port {
  let server: Server | undefined
  let reader: Socket | undefined
  let port = portNumber
  const welcome = (socket: Socket) => {
    reader?.destroy()
    reader = socket
    socket.setNoDelay(true)
    socket.resume()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (reader === socket) reader = undefined
    })
  }
  return {
    address: () => ({ kind: 'tcp', host, port }),
    async plug() {
      const listening = createServer(welcome)
      server = listening
      await new Promise<void>((resolve, reject) => {
        listening.once('error', (cause) => reject(new MillraceError('PROCESS_PORT_IN_USE', { port }, cause)))
        listening.listen(port, host, resolve)
      })
      port = (listening.address() as { port: number }).port
    },
    hasReader: () => reader !== undefined,
    write(bytes) {
      if (!reader) return 0
      const taken = Math.max(0, Math.min(bytes.length, waitingBytesMax - reader.writableLength))
      if (taken > 0) reader.write(bytes.subarray(0, taken))
      return taken
    },
    unplug() {
      reader?.destroy()
      reader = undefined
      server?.close()
    },
  }
}
