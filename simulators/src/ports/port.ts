/**
 * A port is the socket that an instrument's cable goes into: bytes out to any reader, never waiting.
 *
 * A plug-in is a file `x.ts` with its test; it adds one line to `index.ts`.
 */
export type PortAddress = { kind: 'serial'; path: string } | { kind: 'tcp'; host: string; port: number }

export interface Port {
  /** Where a reader opens it, once it is plugged. The same after an unplug and a plug. */
  address(): PortAddress
  /** Whether a reader has it open now. Discards what the reader wrote: call it once a second or more often. */
  hasReader(): boolean
  /** Takes as many bytes as fit at once, and says how many; the rest is the caller's. */
  write(bytes: Uint8Array): number
  plug(): Promise<void>
  /** The device is pulled: the reader sees the end, and the path or listener is gone. */
  unplug(): void
}
