/** The buses. Adding one is one line here; see bus.ts. */
import type { BusPlugin } from './bus.ts'
import { file } from './file/file.ts'
import { serial } from './serial/serial.ts'
import { tcp } from './tcp/tcp.ts'

export type { Bus, BusListener, BusPlugin } from './bus.ts'

/** By kind. A plug-in's `create` wants what its own `schema` has parsed. */
export const busPlugins: Record<string, BusPlugin> = Object.fromEntries(
  [file, serial, tcp].map((plugin) => [plugin.kind, plugin as unknown as BusPlugin]),
)
