/**
 * A WebSocket as the stream of bytes that the guard reads and writes: packets may lie across frames, and several in one [MQTT-6.0.0-2].
 * While the guard does not read, the socket is not read; what it writes has left when the socket took it.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { ByteSocket } from '../guard/byte-socket.ts'

export interface StreamParts {
  /** Limit of a CONNECT: before the user is known a frame may not be much larger. */
  connectBytes: number
  refused(detail: Record<string, unknown>): void
}

/** One read of a socket: a small CONNECT may come with more behind it. */
const readBytes = 65_536
/** Answers to pings that the client does not read; then it is cut off. */
const unreadPongBytesMax = 16_384

export class WebSocketStream extends Duplex implements ByteSocket {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #parts: StreamParts
  #isOpen = false
  /** Read since the last whole frame. */
  #frameBytes = 0

  constructor(ws: WebSocket, socket: Socket, parts: StreamParts) {
    super({ allowHalfOpen: true })
    this.#ws = ws
    this.#socket = socket
    this.#parts = parts
    this.remoteAddress = socket.remoteAddress
    this.remotePort = socket.remotePort
    socket.on('data', (chunk: Buffer) => this.#count(chunk.length))
    ws.on('message', (data, isBinary) => this.#take(data, isBinary))
    ws.on('ping', (data) => this.#pong(data))
    ws.on('error', (error) => this.#refuse({ error }))
    ws.on('close', () => this.#ended())
  }

  opened(): void {
    this.#isOpen = true
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on)
  }

  setKeepAlive(on: boolean, initialDelayMs: number): void {
    this.#socket.setKeepAlive(on, initialDelayMs)
  }

  destroySoon(): void {
    this.end()
  }

  override _read(): void {
    if (this.#ws.isPaused) this.#ws.resume()
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return done()
    this.#ws.send(bytes, { binary: true }, () => done())
  }

  /** One frame for what is written together. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), '', done)
  }

  override _final(done: () => void): void {
    this.#ws.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ws.terminate()
    done(error)
  }

  #count(bytes: number): void {
    this.#frameBytes += bytes
    if (!this.#isOpen && this.#frameBytes > this.#parts.connectBytes + readBytes)
      this.#refuse({ what: 'too large before CONNECT' })
  }

  #take(data: RawData, isBinary: boolean): void {
    if (this.destroyed) return
    if (!isBinary) return this.#refuse({ what: 'text' })
    this.#frameBytes = 0
    // Memory of its own: the guard frees the chunks of strangers itself.
    const bytes = data as Buffer
    const own = Buffer.allocUnsafeSlow(bytes.length)
    bytes.copy(own)
    if (own.length > 0 && !this.push(own)) this.#ws.pause()
  }

  /** [RFC 6455 section 5.5.3] */
  #pong(data: Buffer): void {
    if (this.#socket.writableLength > unreadPongBytesMax) return this.#refuse({ what: 'pings without reading' })
    this.#ws.pong(data, false, () => {})
  }

  #refuse(detail: Record<string, unknown>): void {
    if (this.destroyed) return
    this.#parts.refused({ address: this.remoteAddress, ...detail })
    this.destroy()
  }

  /** What came before is still read. */
  #ended(): void {
    if (this.destroyed) return
    this.once('end', () => this.destroy())
    this.push(null)
  }
}
