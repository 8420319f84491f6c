/** The decoders. Adding one is one line here; see decoder.ts. */
import { contecCms50 } from './contec-cms50/contec-cms50.ts'
import type { DecoderPlugin } from './decoder.ts'
import { frame } from './frame/frame.ts'
import { nmea0183 } from './nmea-0183/nmea-0183.ts'
import { openbciCyton } from './openbci-cyton/openbci-cyton.ts'
import { plantowerPms } from './plantower-pms/plantower-pms.ts'
import { zephyrHxm } from './zephyr-hxm/zephyr-hxm.ts'

export type { Decoder, DecoderPlugin, Frame, Sink } from './decoder.ts'

/** By kind. A plug-in's methods want what its own `schema` has parsed. */
export const decoderPlugins: Record<string, DecoderPlugin> = Object.fromEntries(
  [contecCms50, frame, nmea0183, openbciCyton, plantowerPms, zephyrHxm].map((plugin) => [
    plugin.kind,
    plugin as unknown as DecoderPlugin,
  ]),
)
