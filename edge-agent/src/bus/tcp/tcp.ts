/** A device, or a serial-to-Ethernet adapter, that listens on a TCP port. What a stalled connection holds is dropped with it. */
import { connect, type Socket } from 'node:net'
import { MillraceError } from '@millrace/platform'
import { z } from 'zod'
import type { BusPlugin } from '../bus.ts'
import { keepOpen, type OpenLine } from '../keep-open.ts'

const schema = z.strictObject({
  host: z.string().min(1).describe('Name or address of the device'),
  port: z.number().int().min(1).max(65_535).describe('TCP port of the device'),
  silentMs: z
    .number()
    .int()
    .nonnegative()
    .default(10_000)
    .describe('A connection silent for so long is connected again; 0: never'),
})
type Config = z.infer<typeof schema>

const connectMsMax = 5000
/** Bytes waiting to be written; what comes on top is dropped, as when there is no connection. */
const writeBytesMax = 65_536

export const tcp: BusPlugin<Config> = {
  kind: 'tcp',
  schema,
  hasLink: false,
  isLive: true,
  at: (address) => {
    const [, host, port] = /^([^/]+):(\d+)$/.exec(address) ?? []
    return host === undefined ? undefined : { host, port: Number(port) }
  },
  create: (config, context) => keepOpen(opener(config, context.clock.after), config, context),
}

function opener({ host, port }: Config, after: (ms: number, call: () => void) => () => void): OpenLine {
  return async (on) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
    const cancel = after(connectMsMax, () => socket.destroy(new Error(`no answer in ${connectMsMax} ms`)))
    await connected(socket)
      .catch((cause) => {
        throw new MillraceError('EDGE_TCP_CONNECT', { host, port, detail: cause.message }, cause)
      })
      .finally(cancel)
    socket.on('error', (error) => on.gone(error.message))
    socket.on('close', () => on.gone('closed by the device'))
    socket.on('data', on.bytes)
    return {
      write(bytes) {
        if (socket.writable && socket.writableLength < writeBytesMax) socket.write(bytes)
      },
      discard: async () => false,
      close: async () => void socket.destroy(),
    }
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
}
