/**
 * A bus brings bytes from one device. It opens and reopens by itself; an unplug is an event, not an error.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the
 * contract as a test suite.
 */
import { type Clock, type Log, MillraceError } from '@millrace/platform'
import type { z } from 'zod'

export interface BusListener {
  /** The port is open; what the kernel held from before was discarded. */
  opened(atMs: number): void
  bytes(chunk: Uint8Array, atMs: number): void
  /**
   * The port is gone, is there but cannot be opened, is silent or was not read for a while; bytes may be missing from `sinceMs` on. A `detail` of what failed
   * begins with its code.
   */
  lost(sinceMs: number, reason: 'unplugged' | 'unavailable' | 'silent' | 'stalled', detail: string, why?: Hindrance): void
}

/** Why a port that is there cannot be opened, where that is known. */
export type Hindrance = 'locked' | 'no-permission'

/** A port is there and cannot be opened. */
export class PortUnavailable extends MillraceError {
  readonly why: Hindrance | undefined

  constructor(path: string, cause: Error) {
    super('EDGE_SERIAL_UNAVAILABLE', { path, detail: cause.message }, cause)
    this.why = hindranceIn(cause.message)
  }
}

/** The driver's message is all there is: `Error Resource temporarily unavailable Cannot lock port`, `Error: Permission denied, cannot open ...`. */
function hindranceIn(message: string): Hindrance | undefined {
  if (/lock|busy|in use/i.test(message)) return 'locked'
  return /permission|not permitted|access(?: is)? denied|EACCES|EPERM/i.test(message) ? 'no-permission' : undefined
}

export interface Bus {
  start(listener: BusListener): void
  /** Dropped while the port is not open. */
  write(bytes: Uint8Array): void
  /** Within a second, whatever the port does; nothing is told afterwards. */
  stop(): Promise<void>
}

export interface BusPlugin<Config = unknown> {
  kind: string
  schema: z.ZodType<Config>
  /** Its schema has the link settings of a decoder, which are the default of what the configuration leaves out. */
  hasLink: boolean
  /** A device is at the other end: it takes what is written, may be unplugged and comes back. */
  isLive: boolean
  /** Configuration of what is at an address as a person writes it, a path or `host:port`; undefined where it is another kind's. */
  at?(address: string): object | undefined
  create(config: Config, context: { clock: Clock; log: Log }): Bus
}
