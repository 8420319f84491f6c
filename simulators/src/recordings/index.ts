/** Recordings of real devices, played by path through the same ports as the simulated ones. */
import { extname } from 'node:path'
import type { Instrument } from '../instruments/instrument.ts'
import { openCapture } from './capture.ts'
import { invalidRecording } from './invalid.ts'
import { openNmeaLog } from './nmea-log.ts'
import { openTimedCapture } from './timed-capture.ts'
import { openWfdb } from './wfdb/wfdb.ts'

export { readWfdbHeader, type WfdbRecord, type WfdbSignal } from './wfdb/header.ts'
export { checkWfdb, readWfdbFrames } from './wfdb/samples.ts'

/**
 * The instruments in one recording, by a suffix for their names; the only one has none. What it is goes by the path's ending:
 * `.hea` a WFDB record, `.capture` what `millrace-agent record` wrote, `.bin` a raw capture of a device of `kind`, anything else an NMEA log.
 * @throws MillraceError RECORDING_INVALID.
 */
export function openRecording(path: string, kind: string | undefined, decoder: unknown): Map<string, Instrument> {
  if (extname(path) === '.hea') return withoutSuffix(openWfdb(path))
  if (extname(path) === '.capture') return new Map([['', openTimedCapture(path, kind, decoder)]])
  if (extname(path) !== '.bin') return new Map([['', openNmeaLog(path, decoder)]])
  if (kind === undefined) throw invalidRecording(path, 'a raw capture needs the kind of its decoder')
  return new Map([['', openCapture(path, kind, decoder)]])
}

function withoutSuffix(instruments: Map<string, Instrument>): Map<string, Instrument> {
  return instruments.size === 1
    ? new Map([['', [...instruments.values()][0]!]])
    : new Map([...instruments].map(([name, one]) => [`-${name}`, one]))
}
