/** Plays the raw bytes of a line, as some terminal program captured them, at the pace of the decoder's link. */
import { checkConfig } from '@millrace/platform'
import { decoderOf } from '../instruments/decoder-of.ts'
import type { Emission, Instrument } from '../instruments/instrument.ts'
import { readBlocks } from './blocks.ts'
import { createExpectation } from './expectation.ts'
import { createPlayer } from './player.ts'

const piecesPerSecond = 20
/** A start bit, eight bits and a stop bit. */
const bitsPerByte = 10

/** @throws MillraceError RECORDING_INVALID where the file cannot be read. */
export function openCapture(path: string, kind: string, decoder: unknown): Instrument {
  const plugin = decoderOf(kind)
  const config = checkConfig(plugin.schema, decoder, `decoder ${plugin.kind}`)
  const pieceBytes = Math.round(plugin.link(config).baudRate / bitsPerByte / piecesPerSecond)
  const moments = play(path, pieceBytes, createExpectation(kind, config))
  return createPlayer({ kind, config, channels: plugin.channels(config), rateHz: piecesPerSecond, moments })
}

function* play(path: string, pieceBytes: number, expect: (bytes: Uint8Array) => Emission): Generator<Emission[]> {
  for (const piece of readBlocks(path, pieceBytes)) yield [expect(piece)]
}
