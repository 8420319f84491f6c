/**
 * One client's connection as the MQTT engine sees it: a stream of bytes in which every packet is whole and well formed.
 *
 *     waiting ──CONNECT──► checking ──open()──► open ──DISCONNECT──► ended
 *
 * Inbound, the socket is read only while the engine takes what was read, the gate is open and the client is within its rate:
 * back-pressure reaches the publisher through TCP. Nothing after CONNECT is looked at before the user is known.
 */
import { Duplex } from 'node:stream'
import type { Clock } from '@millrace/platform'
import type { ClientCertificate } from '../access/certificates.ts'
import { connackOf, type Refusal } from '../refusals.ts'
import { Acknowledgements } from './acknowledgements.ts'
import type { ByteSocket } from './byte-socket.ts'
import { Framer } from './framer.ts'
import type { Gate } from './gate.ts'
import { Outbound } from './outbound.ts'
import { type PacketChecks, type } from './packets.ts'
import { Rate } from './rate.ts'

export interface ConnectionLimits {
  connectTimeoutMs: number
  publishesPerSecond: number
  outboundBufferBytes: number
  slowConsumerMs: number
}

export interface ConnectionEvents {
  /** A well-formed CONNECT is there; it is read from the stream next. */
  greeted(connection: Connection): void
  /** `open` was called. */
  opened(connection: Connection): void
  refused(connection: Connection, reason: Refusal): void
  /** The client is held back by `publishesPerSecond`. */
  throttled(): void
}

export interface ConnectionParts {
  limits: ConnectionLimits
  checks: PacketChecks
  clock: Clock
  gate: Gate
  events: ConnectionEvents
  certificate: ClientCertificate | undefined
}

/** Passed on and not yet read by the engine; from then on the socket is not read. */
const passedBytesMax = 65_536
/** Of one client's messages that wait for their subscribers; from then on its socket is not read. */
const inFlightBytesMax = 131_072
/** How long what was written last may take to leave after the connection is closed. */
const lingerMs = 1_000

export class Connection extends Duplex {
  readonly socket: ByteSocket
  readonly address: string
  /** Of the client, where TLS brought one. */
  readonly certificate: ClientCertificate | undefined
  /** The engine's number of the message that was handed to the client last. */
  lastForwarded = 0
  readonly #parts: ConnectionParts
  readonly #framer: Framer
  readonly #rate: Rate
  readonly #outbound: Outbound
  readonly #acknowledgements = new Acknowledgements()
  #state: 'waiting' | 'checking' | 'open' | 'ended' = 'waiting'
  /** Read from the socket, not yet taken. */
  #inbox: Buffer[] = []
  /** Whole packets that the engine has not read yet. */
  #passed: Buffer[] = []
  #passedBytes = 0
  #offered = false
  #endTold = false
  #inFlightBytes = 0
  #atGate = false
  #hard = false
  #peerEnded = false
  #cancelRateWait: (() => void) | undefined
  #cancelConnectTimeout: () => void

  constructor(socket: ByteSocket, parts: ConnectionParts) {
    const { limits, checks, clock, gate, certificate } = parts
    super()
    this.socket = socket
    this.address = socket.remoteAddress ?? 'unknown'
    this.certificate = certificate
    this.#parts = parts
    this.#framer = new Framer({
      header: (first, remaining, total) => checks.header(first, remaining, total, this.#state !== 'waiting'),
      packet: (bytes, start, body, end) => this.#check(bytes, start, body, end),
      pass: (run) => this.#pass(run),
      enough: () => this.#state === 'checking' || this.#state === 'ended' || this.#rate.exhausted,
    })
    this.#rate = new Rate(clock, limits.publishesPerSecond)
    const [drained, slow] = [() => this.emit('drain'), () => this.refuse('slow-consumer')]
    this.#outbound = new Outbound({ socket, clock, gate, limits, drained, slow })
    this.#cancelConnectTimeout = clock.after(limits.connectTimeoutMs, () => this.refuse('connect-timeout'))
    this.#attach()
  }

  /** The user is known: everything after CONNECT may be read. */
  open(): void {
    if (this.#state !== 'checking') return
    this.#state = 'open'
    this.#parts.events.opened(this)
    this.#pump()
  }

  /** Cuts the connection off, after the CONNACK that the reason has. */
  refuse(reason: Refusal): void {
    if (this.destroyed) return
    this.#parts.events.refused(this, reason)
    const code = connackOf(reason)
    if (code > 0 && this.#state === 'waiting') this.socket.write(Buffer.from([0x20, 2, 0, code]))
    else this.#hard = true
    this.destroy()
  }

  /** A message of this client is in flight to its subscribers. */
  addInFlight(bytes: number): void {
    this.#inFlightBytes += bytes
  }

  /** The last of them has room for it. */
  removeInFlight(bytes: number): void {
    const waited = this.#inFlightBytes > inFlightBytesMax
    this.#inFlightBytes -= bytes
    if (waited && this.#inFlightBytes <= inFlightBytesMax) this.#pump()
  }

  #attach(): void {
    this.socket.setNoDelay(true)
    this.socket.setKeepAlive(true, 30_000)
    this.socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.socket.on('end', () => this.#finishReading())
    this.socket.on('error', () => this.#abandon())
    this.socket.on('close', () => this.#finishReading())
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'ended' || this.destroyed) return release(chunk)
    this.#inbox.push(chunk)
    this.#pump()
  }

  /** Takes what was read as far as it may be taken now. */
  #pump(): void {
    while (this.#inbox.length > 0 && this.#mayTake()) {
      const chunk = this.#inbox.shift()!
      this.#parts.gate.took(chunk.length)
      const known = this.#state === 'open'
      const taken = this.#framer.take(chunk)
      if (!known && (typeof taken === 'string' || taken === chunk.length)) release(chunk)
      if (typeof taken === 'string') return this.refuse(taken)
      if (this.#state === 'ended') this.#inbox = []
      else if (taken < chunk.length) this.#inbox.unshift(chunk.subarray(taken))
      this.#holdToRate()
    }
    this.#readOrWait()
  }

  #readOrWait(): void {
    this.#endWhenDone()
    if (this.#inbox.length > 0 || !this.#mayTake()) this.socket.pause()
    else if (this.socket.isPaused()) this.socket.resume()
  }

  #mayTake(): boolean {
    if (this.destroyed || this.#passedBytes >= passedBytesMax || this.#atGate || this.#state === 'checking') return false
    if (this.#cancelRateWait || this.#inFlightBytes > inFlightBytesMax) return false
    if (this.#state === 'waiting' || this.#parts.gate.open) return true
    this.#atGate = true
    this.#parts.gate.wait(() => {
      this.#atGate = false
      this.#pump()
    })
    return false
  }

  #check(bytes: Buffer, start: number, body: number, end: number): Refusal | undefined {
    const refusal = this.#parts.checks.packet(bytes, start, body, end)
    if (refusal) return refusal
    const kind = bytes[start]! >> 4
    if (kind === type.publish) this.#rate.count()
    else if (kind === type.puback || kind === type.pubrec || kind === type.pubcomp) {
      if (!this.#acknowledgements.takes(kind, bytes.readUInt16BE(body))) return 'wrong-acknowledgement'
    } else if (kind === type.connect) this.#greet()
    else if (kind === type.disconnect) this.#state = 'ended' // [MQTT-3.14.4-2]: nothing may follow
    return undefined
  }

  #holdToRate(): void {
    const waitMs = this.#rate.waitMs()
    if (waitMs === 0) return
    this.#parts.events.throttled()
    this.#cancelRateWait = this.#parts.clock.after(waitMs, () => {
      this.#cancelRateWait = undefined
      this.#holdToRate()
      this.#pump()
    })
  }

  #greet(): void {
    this.#state = 'checking'
    this.#cancelConnectTimeout()
    this.#parts.events.greeted(this)
  }

  #pass(run: Buffer): void {
    // A will lives as long as its connection and would keep the whole chunk that it was read in.
    const bytes = this.#state === 'checking' ? Buffer.from(run) : run
    this.#passed.push(bytes)
    this.#passedBytes += bytes.length
    if (this.#passed.length === 1) this.#offer()
  }

  /**
   * The engine reads one run after each `readable`; it needs no more of a readable stream. Not more than one: it asks again
   * while it parses, when a message finds no subscriber, and its parser is not made for being called from within itself.
   */
  override read(): Buffer | null {
    if (!this.#offered) return null
    this.#offered = false
    const run = this.#passed.shift()
    if (!run) return null
    const wasFull = this.#passedBytes >= passedBytesMax
    this.#passedBytes -= run.length
    if (wasFull && this.#passedBytes < passedBytesMax) process.nextTick(() => this.#pump())
    if (this.#passed.length > 0) this.#offer()
    else process.nextTick(() => this.#endWhenDone())
    return run
  }

  #offer(): void {
    process.nextTick(() => {
      this.#offered = true
      this.emit('readable')
    })
  }

  #endWhenDone(): void {
    if (!this.#peerEnded || this.#inbox.length > 0 || this.#passed.length > 0 || this.#endTold) return
    this.#endTold = true
    process.nextTick(() => this.emit('end'))
  }

  /** That wait for the client to take them. */
  get outboundBytes(): number {
    return this.#outbound.bytes
  }

  /** The engine writes packets piece by piece and heeds the answer and `drain`; it needs no more of a writable stream. */
  override write(piece: Buffer | string): boolean {
    if (this.destroyed) return false
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
    this.#acknowledgements.sent(bytes)
    return this.#outbound.add(bytes)
  }

  override cork(): void {}

  override uncork(): void {}

  /** The client will send nothing more; what it sent before is still taken. */
  #finishReading(): void {
    if (this.#state === 'waiting' || this.#state === 'checking') return void this.destroy()
    this.#peerEnded = true
    this.#pump()
  }

  #abandon(): void {
    this.#hard = true
    this.destroy()
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    this.#cancelConnectTimeout()
    this.#cancelRateWait?.()
    if (this.#state === 'checking') this.#inbox.forEach(release)
    this.#inbox = []
    if (this.#hard) this.socket.destroy()
    else this.#linger()
    this.#outbound.close()
    done(null)
  }

  #linger(): void {
    const cancel = this.#parts.clock.after(lingerMs, () => this.socket.destroy())
    this.socket.once('close', cancel)
    this.socket.resume()
    if (this.socket.writable) this.socket.write(this.#outbound.rest())
    this.socket.destroySoon()
  }
}

/**
 * Frees what was read, 64 KiB at a time, without waiting for the collector: strangers could fill the memory faster than it
 * looks. Only for chunks of which the engine has seen copies.
 */
function release({ buffer, byteOffset, byteLength }: Buffer): void {
  if (byteOffset + byteLength === buffer.byteLength) (buffer as ArrayBuffer).transfer(0)
}
