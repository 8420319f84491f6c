/**
 * A connection for Sparkplug data: QoS 0 both ways, a clean session, always coming back. Why it is not mqtt.js:
 * docs/decisions/0007-own-data-connection.md.
 *
 * After a read that emptied the socket it does not read again for `restMs`. What comes meanwhile waits in the kernel and is
 * read at once, so a busy connection wakes the process 1000 / restMs times a second whatever the rate, and what is read
 * together is made durable together. The first message after a silence does not wait.
 *
 *   connecting ─ CONNECT, CONNACK ─ SUBSCRIBE, SUBACK ─► up ─ closed, or silent for two pings ─► pause with jitter ─► connecting
 */
import { isIP, connect as openTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as openTls } from 'node:tls'
import { backOffMs, type Clock, every } from '@millrace/platform'
import {
  connectPacket,
  createPacketReader,
  disconnectPacket,
  type Greeting,
  type IncomingPackets,
  pingPacket,
  pubackPacket,
  publishPacket,
  subscribePacket,
} from './mqtt-packets.ts'

export interface ConnectionOptions extends Greeting {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  url: string
  /** PEM of the authority that signed the broker's certificate. */
  ca?: Buffer
  filters: string[]
  restMs: number
  packetBytesMax: number
}

export interface ConnectionEvents {
  /** Connected and subscribed. */
  up(): void
  /** `payload` is a view that holds during the call. */
  message(topic: string, payload: Uint8Array): void
  tooLarge(bytes: number): void
  /** It comes back by itself. */
  down(reason: Error): void
}

export interface Connection {
  isUp(): boolean
  /** Lost when the connection is not up, or the broker does not take what was published before. */
  publish(topic: string, payload: Uint8Array): void
  close(): Promise<void>
}

const readBytes = 64 << 10
/** What may wait for the broker to take it. */
const unsentBytesMax = 4 << 20
/** A connection that was up for less ended by something that may end the next one too. */
const soundMs = 5000
const pauseMs = { first: 100, most: 2000 }
/** How long a connection takes to end in order. */
const goodbyeMs = 1000

export function openConnection(options: ConnectionOptions, events: ConnectionEvents, clock: Clock): Connection {
  let session: Connection | undefined
  let isClosed = false
  let failures = 0
  let upMs = Number.POSITIVE_INFINITY
  let cancelPause = () => {}

  function open(): void {
    session = openSession(
      options,
      {
        ...events,
        up() {
          upMs = clock.monotonic()
          events.up()
        },
        down(reason) {
          session = undefined
          if (isClosed) return
          if (clock.monotonic() - upMs > soundMs) failures = 0
          events.down(reason)
          const most = backOffMs(++failures, pauseMs.first, pauseMs.most)
          // Jitter: after a broker's restart its clients do not come all at once.
          cancelPause = clock.after(most * (0.5 + Math.random() / 2), open)
        },
      },
      clock,
    )
  }
  open()

  return {
    isUp: () => session?.isUp() ?? false,
    publish: (topic, payload) => session?.publish(topic, payload),
    async close() {
      isClosed = true
      cancelPause()
      await session?.close()
    },
  }
}

/** From the opening of a socket to its end. */
function openSession(options: ConnectionOptions, events: ConnectionEvents, clock: Clock): Connection {
  let isUp = false
  let reason = new Error('the broker closed the connection')
  /** Whether anything came since the last ping, as its answer must have. */
  let heard = true
  let outgoing: Buffer[] = []
  let cancelRest = () => {}
  const fail = (error: Error) => {
    reason = error
    socket.destroy()
  }

  const incoming: IncomingPackets = {
    publish: events.message,
    tooLarge: events.tooLarge,
    acknowledge: (packetId) => send(pubackPacket(packetId)),
    connack(returnCode) {
      if (returnCode !== 0) fail(new Error(`the broker refused the connection with return code ${returnCode}`))
      else send(subscribePacket(1, options.filters))
    },
    suback(returnCodes) {
      if (returnCodes.includes(0x80))
        return fail(new Error(`the broker refused ${options.filters}; give this account the role host`))
      isUp = true
      events.up()
    },
  }
  const read = createPacketReader(incoming, options.packetBytesMax)
  const socket = openSocket(options, receive)
  socket.setNoDelay(true)
  socket.on('error', (error) => {
    reason = error
  })
  socket.on('close', () => {
    isUp = false
    cancelRest()
    stopPings()
    events.down(reason)
  })
  send(connectPacket(options))

  function receive(chunk: Buffer): void {
    heard = true
    try {
      read(chunk)
    } catch (error) {
      return fail(error as Error)
    }
    if (isUp && chunk.length < readBytes) rest()
  }

  function rest(): void {
    socket.pause()
    cancelRest()
    cancelRest = clock.after(options.restMs, () => socket.resume())
  }

  const stopPings = every(clock, options.keepaliveSeconds * 1000, () => {
    if (!heard || !isUp) return fail(new Error('the broker is silent'))
    heard = false
    send(pingPacket)
  })

  /** What is sent within one turn of the loop leaves in one write. */
  function send(packet: Buffer): void {
    outgoing.push(packet)
    if (outgoing.length > 1) return
    process.nextTick(() => {
      const packets = outgoing
      outgoing = []
      socket.write(packets.length === 1 ? packets[0]! : Buffer.concat(packets))
    })
  }

  return {
    isUp: () => isUp,
    publish(topic, payload) {
      if (isUp && socket.writableLength < unsentBytesMax) send(publishPacket(topic, payload))
    },
    close: () =>
      new Promise((resolve) => {
        // A broker that takes nothing more keeps nobody from stopping.
        const cancel = clock.after(goodbyeMs, () => socket.destroy())
        socket.once('close', () => {
          cancel()
          resolve()
        })
        if (!isUp) return void socket.destroy()
        send(disconnectPacket)
        process.nextTick(() => socket.destroySoon())
      }),
  }
}

function openSocket({ url, ca }: ConnectionOptions, receive: (chunk: Buffer) => void): Socket {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol === 'mqtts:') {
    const name = isIP(host) ? {} : { servername: host }
    return openTls({ host, port: Number(port || 8883), ...name, ...(ca ? { ca } : {}) }).on('data', receive)
  }
  // One buffer for all reads: the packets in it are taken before the next read.
  const onread: TcpNetConnectOpts['onread'] = {
    buffer: Buffer.allocUnsafeSlow(readBytes),
    callback(count, buffer) {
      receive((buffer as Buffer).subarray(0, count))
      return true
    },
  }
  return openTcp({ host, port: Number(port || 1883), onread })
}
