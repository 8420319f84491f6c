/** The decoders. Adding one is one line here; see decoder.ts. */
import { bleHeartRate } from './ble-heart-rate/ble-heart-rate.ts'
import { contecCms50 } from './contec-cms50/contec-cms50.ts'
import { csvLines } from './csv-lines/csv-lines.ts'
import type { DecoderPlugin } from './decoder.ts'
import { dsmrP1 } from './dsmr-p1/dsmr-p1.ts'
import { frame } from './frame/frame.ts'
import { jsonLines } from './json-lines/json-lines.ts'
import { modbusRtu } from './modbus-rtu/modbus-rtu.ts'
import { nmea0183 } from './nmea-0183/nmea-0183.ts'
import { openbciCyton } from './openbci-cyton/openbci-cyton.ts'
import { plantowerPms } from './plantower-pms/plantower-pms.ts'
import { zephyrHxm } from './zephyr-hxm/zephyr-hxm.ts'

export { type CaptureEntry, type CaptureHead, parseCapture } from './capture.ts'
export type { Decoder, DecoderPlugin, Frame, Sink } from './decoder.ts'

/** By kind. A plug-in's methods want what its own `schema` has parsed. */
export const decoderPlugins: Record<string, DecoderPlugin> = Object.fromEntries(
  [bleHeartRate, contecCms50, csvLines, dsmrP1, frame, jsonLines, modbusRtu, nmea0183, openbciCyton, plantowerPms, zephyrHxm].map(
    (plugin) => [plugin.kind, plugin as unknown as DecoderPlugin],
  ),
)
