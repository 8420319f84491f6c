/**
 * A bus brings bytes from one device. It opens and reopens by itself; an unplug is an event, not an error.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`.
 */
import type { Clock, Log } from '@millrace/platform'
import type { z } from 'zod'

export interface BusListener {
  /** The port is open; what the kernel held from before was discarded. */
  opened(atMs: number): void
  bytes(chunk: Uint8Array, atMs: number): void
  /** The port is gone, silent or was not read for a while; bytes may be missing from `sinceMs` on. */
  lost(sinceMs: number, reason: 'unplugged' | 'silent' | 'stalled', detail: string): void
}

export interface Bus {
  start(listener: BusListener): void
  write(bytes: Uint8Array): void
  stop(): Promise<void>
}

export interface BusPlugin<Config = unknown> {
  kind: string
  schema: z.ZodType<Config>
  create(config: Config, context: { clock: Clock; log: Log }): Bus
}
