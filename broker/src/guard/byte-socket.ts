/** What the guard needs of a socket: TCP, TLS, or a WebSocket that behaves like one. */
import type { Duplex } from 'node:stream'

export interface ByteSocket extends Duplex {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  setNoDelay(on: boolean): unknown
  setKeepAlive(on: boolean, initialDelayMs: number): unknown
  /** Ends after what was written has left. */
  destroySoon(): void
  /** The user of its client is known. */
  opened?(): void
}
