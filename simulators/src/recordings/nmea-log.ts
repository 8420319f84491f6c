/**
 * Plays a log of NMEA 0183 sentences as a receiver would send it: one group of sentences a second, byte for byte, garbage
 * included; lines that begin with `#` are the log keeper's and are left out. A group begins with each sentence of the type
 * (RMC or GGA) that the log has first.
 */
import { checkConfig } from '@millrace/platform'
import { decoderOf } from '../instruments/decoder-of.ts'
import type { Emission, Instrument } from '../instruments/instrument.ts'
import { readLines } from './blocks.ts'
import { createExpectation } from './expectation.ts'
import { createPlayer } from './player.ts'

const groupsPerSecond = 1
/** Where no group begins, at the latest after so many lines one does. */
const linesMax = 50

/** @throws MillraceError RECORDING_INVALID where the file cannot be read. */
export function openNmeaLog(path: string, decoder: unknown): Instrument {
  const plugin = decoderOf('nmea-0183')
  const config = checkConfig(plugin.schema, decoder, `decoder ${plugin.kind}`)
  const channels = plugin.channels(config)
  const moments = play(path, createExpectation(plugin.kind, config))
  return createPlayer({ kind: plugin.kind, config, channels, rateHz: groupsPerSecond, moments })
}

function* play(path: string, expect: (bytes: Uint8Array) => Emission): Generator<Emission[]> {
  let first: string | undefined
  let group: Emission[] = []
  for (const line of readLines(path)) {
    if (line[0] === 0x23) continue
    const type = /^\$..(RMC|GGA),/.exec(Buffer.from(line.subarray(0, 7)).toString('latin1'))?.[1]
    first ??= type
    if ((type !== undefined && type === first && group.length > 0) || group.length >= linesMax) {
      yield group
      group = []
    }
    group.push(expect(line))
  }
  if (group.length > 0) yield group
}
