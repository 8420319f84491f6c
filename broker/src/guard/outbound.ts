/**
 * What goes out to one client. Small writes are joined into blocks, one system call each; what comes while a block is on its
 * way is joined into the next. A block is written only when the one before has left, so it is known what waits and what left.
 *
 *     0 ────────── half of outboundBufferBytes ────────── outboundBufferBytes ──────►
 *       all is well    who publishes to it waits            every publisher waits
 *
 * A client that takes less than that half in `slowConsumerMs` while more than it waits is a slow consumer and is cut off,
 * since others wait for it. One that is merely behind makes its publishers wait and is not cut off. Nothing is dropped.
 */
import type { Clock } from '@millrace/platform'
import type { ByteSocket } from './byte-socket.ts'
import type { Gate } from './gate.ts'

export interface OutboundParts {
  socket: ByteSocket
  clock: Clock
  gate: Gate
  limits: { outboundBufferBytes: number; slowConsumerMs: number }
  /** Less than a quarter of the bound waits again. */
  drained(): void
  /** The client is a slow consumer. */
  slow(): void
}

const blockBytes = 65_536
/** Larger pieces are not copied. */
const smallBytes = 4_096

export class Outbound {
  readonly #parts: OutboundParts
  readonly #markBytes: number
  #pieces: Buffer[] = []
  #next = 0
  #bytes = 0
  #taken = 0
  #writing = false
  #full = false
  #shutsGate = false
  #cancelWatch: (() => void) | undefined

  constructor(parts: OutboundParts) {
    this.#parts = parts
    this.#markBytes = Math.floor(parts.limits.outboundBufferBytes / 2)
  }

  /** That wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** False when the writer should wait for `drained`. */
  add(piece: Buffer): boolean {
    if (!this.#parts.socket.writable) return true // the client is gone; what it sent before is still being taken
    this.#pieces.push(piece)
    this.#bytes += piece.length
    if (!this.#writing) {
      this.#writing = true
      process.nextTick(() => this.#goOn()) // a packet comes in pieces
    }
    if (this.#bytes > this.#markBytes) this.#overMark()
    return !this.#full
  }

  close(): void {
    this.#settle()
    this.#pieces = []
    this.#bytes = 0
  }

  /** What waits, for a last write. */
  rest(): Buffer {
    return Buffer.concat(this.#pieces.slice(this.#next))
  }

  #writeBlock(): void {
    const { socket } = this.#parts
    const pieces = this.#takeBlock()
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const last = pieces.pop()!
    socket.cork()
    for (const piece of pieces) socket.write(piece)
    socket.write(last, () => this.#left(bytes))
    socket.uncork()
  }

  #left(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes)
    this.#taken += bytes
    if (this.#bytes < this.#markBytes) this.#unshut()
    if (this.#full && this.#bytes < this.#markBytes / 2) this.#drain()
    // Not at once: what else this turn brings is joined.
    setImmediate(() => this.#goOn())
  }

  #goOn(): void {
    if (this.#next < this.#pieces.length && this.#parts.socket.writable) this.#writeBlock()
    else this.#writing = false
  }

  /** About a block's worth of pieces, the small ones joined. */
  #takeBlock(): Buffer[] {
    const block: Buffer[] = []
    let from = this.#next
    let bytes = 0
    while (this.#next < this.#pieces.length && bytes < blockBytes) {
      const { length } = this.#pieces[this.#next]!
      bytes += length
      if (length > smallBytes) {
        this.#joinInto(block, from)
        block.push(this.#pieces[this.#next]!)
        from = this.#next + 1
      }
      this.#next++
    }
    this.#joinInto(block, from)
    if (this.#next === this.#pieces.length || this.#next > 1_024) {
      this.#pieces = this.#pieces.slice(this.#next)
      this.#next = 0
    }
    return block
  }

  #joinInto(block: Buffer[], from: number): void {
    if (this.#next - from === 1) block.push(this.#pieces[from]!)
    else if (this.#next > from) block.push(Buffer.concat(this.#pieces.slice(from, this.#next)))
  }

  #overMark(): void {
    this.#full = true
    this.#watch()
    if (this.#shutsGate || this.#bytes <= this.#parts.limits.outboundBufferBytes) return
    this.#shutsGate = true
    this.#parts.gate.shut()
  }

  #drain(): void {
    this.#settle()
    this.#parts.drained()
  }

  #settle(): void {
    this.#full = false
    this.#cancelWatch?.()
    this.#cancelWatch = undefined
    this.#unshut()
  }

  #unshut(): void {
    if (this.#shutsGate) this.#parts.gate.unshut()
    this.#shutsGate = false
  }

  #watch(): void {
    if (this.#cancelWatch) return
    const before = this.#taken
    this.#cancelWatch = this.#parts.clock.after(this.#parts.limits.slowConsumerMs, () => {
      this.#cancelWatch = undefined
      if (this.#taken - before < this.#markBytes) this.#parts.slow()
      else this.#watch()
    })
  }
}
