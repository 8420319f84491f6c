/**
 * A connection for data, which reconnects by itself. Why it is not mqtt.js: docs/decisions/0007-own-data-connection.md.
 *
 * - For Sparkplug: QoS 0 both ways and a clean session. A receipt says what is durable, so MQTT's acknowledgement does not.
 * - For plain devices (`isPersistent`): QoS 1 and a session that the broker keeps. Thousands of messages may be in flight; each is
 *   acknowledged when it is durable (acknowledgements.ts). While more than `inFlightBytesMax` are in flight the socket is not read.
 *
 * After a read that emptied the socket it does not read again for `restMs`. What comes in between waits in the kernel and is
 * read at once, so a busy connection wakes the process 1000 / restMs times a second whatever the rate, and what is read
 * together is made durable together. The first message after a silence does not wait.
 *
 *   connecting ─ CONNECT, CONNACK ─ SUBSCRIBE, SUBACK ─► up ─ closed, or silent for two pings ─► pause with jitter ─► connecting
 */
import { isIP, connect as openTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as openTls } from 'node:tls'
import type { Delivery } from '@millrace/contract'
import { backOffMs, type Clock, every } from '@millrace/platform'
import { Acknowledgements } from './acknowledgements.ts'
import { Deliveries } from './deliveries.ts'
import {
  connectPacket,
  createPacketReader,
  disconnectPacket,
  type Greeting,
  type IncomingPackets,
  pingPacket,
  pubackPacket,
  publishPacket,
  retainedPacket,
  subscribePacket,
  type Will,
} from './mqtt-packets.ts'

export interface ConnectionOptions extends Greeting {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  url: string
  /** PEM of the authority that signed the broker's certificate. */
  ca?: Buffer
  filters: string[]
  /** Asked at each connection. */
  will?(): Will | undefined
  restMs: number
  packetBytesMax: number
  /** With `isPersistent`. */
  inFlightBytesMax?: number
}

/** What a PUBLISH says beside topic and payload. */
export interface Packet {
  /** DUP 8, QoS 2 and 4, RETAIN 1 [MQTT-3.3.1]. */
  flags: number
  /** In a persistent session. */
  delivery?: Delivery
}

export interface ConnectionEvents {
  /** Connected and subscribed. */
  up(): void
  /**
   * `payload` is a view that holds during the call. `settled` is to be called once in a persistent session: true when the message is durable, false when it was dropped and the broker is to send it again.
   */
  message(topic: string, payload: Uint8Array, packet: Packet, settled: (isDurable: boolean) => void): void
  /** The broker refused some of the filters. */
  refused?(filters: string[]): void
  tooLarge(bytes: number): void
  /** It comes back by itself. */
  down(reason: Error): void
}

export interface Connection {
  isUp(): boolean
  /** Lost when the connection is not up, or the broker does not take what was published before. */
  publish(topic: string, payload: Uint8Array): void
  /** With QoS 1; resolves with the PUBACK, or after a second, or at once where the connection is not up. */
  publishRetained(topic: string, payload: Uint8Array): Promise<void>
  /** Begins a new connection at once. */
  reopen(): void
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
  const connection = new LastingConnection(options, events, clock)
  return {
    isUp: () => connection.isUp(),
    publish: (topic, payload) => connection.publish(topic, payload),
    publishRetained: (topic, payload) => connection.publishRetained(topic, payload),
    reopen: () => connection.reopen(),
    close: () => connection.close(),
  }
}

/** One session after another. */
class LastingConnection implements Connection {
  readonly #options: ConnectionOptions
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  #session: Session | undefined = undefined
  readonly #deliveries = new Deliveries()
  #isClosed = false
  #failures = 0
  #upMs = Number.POSITIVE_INFINITY
  #cancelPause = () => {}
  #wasUp = false

  constructor(options: ConnectionOptions, events: ConnectionEvents, clock: Clock) {
    this.#options = options
    this.#events = events
    this.#clock = clock
    this.#open()
  }

  #open(): void {
    const up = () => this.#up()
    const down = (reason: Error) => {
      if (session === this.#session) this.#down(reason)
    }
    const options = { ...this.#options, isSubscribed: this.#wasUp, deliveries: this.#deliveries }
    const session: Session = new Session(options, { ...this.#events, up, down }, this.#clock)
    this.#session = session
  }

  #up(): void {
    this.#upMs = this.#clock.monotonic()
    this.#wasUp = true
    this.#events.up()
  }

  #down(reason: Error): void {
    this.#session = undefined
    if (this.#isClosed) return
    if (this.#clock.monotonic() - this.#upMs > soundMs) this.#failures = 0
    this.#events.down(reason)
    const most = backOffMs(++this.#failures, pauseMs.first, pauseMs.most)
    // Jitter: after a broker's restart its clients do not come all at once.
    this.#cancelPause = this.#clock.after(most * (0.5 + Math.random() / 2), () => this.#open())
  }

  isUp(): boolean {
    return this.#session?.isUp() ?? false
  }

  publish(topic: string, payload: Uint8Array): void {
    this.#session?.publish(topic, payload)
  }

  async publishRetained(topic: string, payload: Uint8Array): Promise<void> {
    await this.#session?.publishRetained(topic, payload)
  }

  reopen(): void {
    if (this.#isClosed) return
    this.#cancelPause()
    const former = this.#session
    this.#open()
    void former?.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelPause()
    await this.#session?.close()
  }
}

interface SessionOptions extends ConnectionOptions {
  /** A session before this one subscribed to the same filters. */
  isSubscribed: boolean
  deliveries: Deliveries
}

/** From the opening of a socket to its end. */
class Session {
  readonly #options: SessionOptions
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly #read: (chunk: Buffer) => void
  readonly #socket: Socket
  readonly #stopPings: () => void
  #isUp = false
  #reason = new Error('the broker closed the connection')
  /** Whether anything came since the last ping, as its answer must have. */
  #heard = true
  #outgoing: Buffer[] = []
  /** By packet id: what was sent with QoS 1 and waits for its PUBACK. */
  readonly #unacknowledged = new Map<number, () => void>()
  #packetId = 1
  #cancelRest = () => {}
  readonly #acknowledgements: Acknowledgements
  /** More is in flight than may be: the socket is not read. */
  #isFull = false
  #isLeaving = false

  constructor(options: SessionOptions, events: ConnectionEvents, clock: Clock) {
    this.#options = options
    this.#events = events
    this.#clock = clock
    this.#acknowledgements = new Acknowledgements({
      acknowledge: (packetId) => this.#acknowledge(packetId),
      dropped: () => this.#fail('a message was dropped; the broker sends it again'),
    })
    this.#read = createPacketReader(this.#incoming(), options.packetBytesMax)
    this.#socket = openSocket(options, (chunk) => this.#receive(chunk))
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (error) => {
      this.#reason = error
    })
    this.#socket.on('close', () => this.#closed())
    this.#send(connectPacket(options, options.will?.()))
    this.#stopPings = every(clock, options.keepaliveSeconds * 1000, () => this.#ping())
  }

  #incoming(): IncomingPackets {
    const { message, tooLarge } = this.#events
    return {
      publish: (topic, payload, flags, packetId) =>
        message(topic, payload, this.#packet(flags, packetId), this.#settled(packetId, payload.length)),
      tooLarge,
      puback: (packetId) => this.#unacknowledged.get(packetId)?.(),
      connack: (returnCode, isSessionPresent) => this.#welcome(returnCode, isSessionPresent),
      suback: (returnCodes) => this.#subscribed(returnCodes),
    }
  }

  #packet(flags: number, packetId: number | undefined): Packet {
    if (packetId === undefined || !this.#options.isPersistent) return packets[flags]!
    return { flags, delivery: this.#options.deliveries.received(packetId, (flags & 8) !== 0) }
  }

  /** What a connection of QoS 0 was sent with QoS 1 all the same is acknowledged at once. */
  #settled(packetId: number | undefined, bytes: number): (isDurable: boolean) => void {
    if (packetId !== undefined && this.#options.isPersistent) return this.#acknowledgements.add(packetId, bytes)
    if (packetId !== undefined) this.#send(pubackPacket(packetId))
    return unacknowledged
  }

  #acknowledge(packetId: number): void {
    this.#options.deliveries.acknowledged(packetId)
    this.#send(pubackPacket(packetId))
    if (!this.#isFull || this.#isLeaving || this.#acknowledgements.bytes > this.#inFlightBytesMax() / 2) return
    this.#isFull = false
    this.#socket.resume()
  }

  #inFlightBytesMax(): number {
    return this.#options.inFlightBytesMax ?? Number.POSITIVE_INFINITY
  }

  /** A session that the broker kept has its subscriptions: to subscribe again would bring every retained message again. */
  #welcome(returnCode: number, isSessionPresent: boolean): void {
    const { filters, isPersistent, isSubscribed } = this.#options
    if (returnCode !== 0) this.#fail(`the broker refused the connection with return code ${returnCode}`)
    else {
      this.#options.deliveries.connected(isSessionPresent)
      if (isSessionPresent && isSubscribed) this.#up()
      else this.#send(subscribePacket(1, filters, isPersistent ? 1 : 0))
    }
  }

  #subscribed(returnCodes: Uint8Array): void {
    const { filters, isPersistent } = this.#options
    const refused = filters.filter((_, k) => returnCodes[k] === 0x80)
    if (refused.length === filters.length || (refused.length > 0 && !isPersistent)) {
      const isShared = refused.some((filter) => filter.startsWith('$share/'))
      const remedy = isShared
        ? 'where it has no shared subscriptions, set bridge.share to nodes'
        : 'give this account the role host'
      return this.#fail(`the broker refused ${refused}; ${remedy}`)
    }
    if (refused.length > 0) this.#events.refused?.(refused)
    this.#up()
  }

  #up(): void {
    this.#isUp = true
    this.#events.up()
  }

  #receive(chunk: Buffer): void {
    this.#heard = true
    try {
      this.#read(chunk)
    } catch (error) {
      return this.#end(error as Error)
    }
    if (this.#acknowledgements.bytes > this.#inFlightBytesMax()) {
      this.#isFull = true
      this.#cancelRest()
      this.#socket.pause()
    } else if (this.#isUp && chunk.length < readBytes) this.#rest()
  }

  #rest(): void {
    this.#socket.pause()
    this.#cancelRest()
    this.#cancelRest = this.#clock.after(this.#options.restMs, () => {
      if (!this.#isFull) this.#socket.resume()
    })
  }

  #ping(): void {
    if (!this.#isUp || !(this.#heard || this.#isFull)) return this.#fail('the broker is silent')
    this.#heard = false
    this.#send(pingPacket)
  }

  #fail(why: string): void {
    this.#end(new Error(why))
  }

  #end(reason: Error): void {
    this.#reason = reason
    this.#socket.destroy()
  }

  #closed(): void {
    this.#isUp = false
    this.#acknowledgements.end()
    this.#cancelRest()
    this.#stopPings()
    for (const done of this.#unacknowledged.values()) done()
    this.#events.down(this.#reason)
  }

  /** What is sent within one turn of the loop leaves in one write. */
  #send(packet: Buffer): void {
    this.#outgoing.push(packet)
    if (this.#outgoing.length > 1) return
    process.nextTick(() => {
      const packets = this.#outgoing
      this.#outgoing = []
      this.#socket.write(packets.length === 1 ? packets[0]! : Buffer.concat(packets))
    })
  }

  isUp(): boolean {
    return this.#isUp
  }

  publish(topic: string, payload: Uint8Array): void {
    if (this.#isUp && this.#socket.writableLength < unsentBytesMax) this.#send(publishPacket(topic, payload))
  }

  publishRetained(topic: string, payload: Uint8Array): Promise<void> {
    if (!this.#isUp) return Promise.resolve()
    const packetId = (this.#packetId % 0xffff) + 1
    this.#packetId = packetId
    this.#send(retainedPacket(topic, payload, packetId))
    return new Promise((resolve) => {
      const cancel = this.#clock.after(goodbyeMs, () => done())
      const done = () => {
        cancel()
        this.#unacknowledged.delete(packetId)
        resolve()
      }
      this.#unacknowledged.set(packetId, done)
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      // A broker that takes nothing more keeps nobody from stopping.
      const cancel = this.#clock.after(goodbyeMs, () => this.#socket.destroy())
      this.#socket.once('close', () => {
        cancel()
        resolve()
      })
      if (!this.#isUp) return void this.#socket.destroy()
      this.#leave()
    })
  }

  /** What is in flight is acknowledged first, or the broker would send it again to the next session. */
  async #leave(): Promise<void> {
    this.#isLeaving = this.#isFull = true
    this.#socket.pause()
    await this.#acknowledgements.idle()
    if (!this.#isUp) return
    this.#send(disconnectPacket)
    process.nextTick(() => this.#socket.destroySoon())
  }
}

/** By flags: of the packets of which nothing else is told. */
const packets: Packet[] = Array.from({ length: 16 }, (_, flags) => ({ flags }))

/** A Sparkplug node waits for its receipt, and for nothing of MQTT. */
const unacknowledged = () => {}

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
