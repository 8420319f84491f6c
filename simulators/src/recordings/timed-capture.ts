/** Plays a capture that `millrace-agent record` wrote: what a line said, at the times at which it did. */
import { readFileSync } from 'node:fs'
import { type CaptureEntry, parseCapture } from '@millrace/edge-agent/decoders'
import { checkConfig } from '@millrace/platform'
import { decoderOf } from '../instruments/decoder-of.ts'
import type { Emission, Instrument } from '../instruments/instrument.ts'
import { createExpectation } from './expectation.ts'
import { invalidRecording } from './invalid.ts'
import { createPlayer } from './player.ts'

const momentMs = 50

/** @param kind and decoder: instead of those of the capture. @throws MillraceError RECORDING_INVALID where it cannot be read. */
export function openTimedCapture(path: string, kind: string | undefined, decoder: unknown): Instrument {
  const { head, entries } = read(path)
  const { kind: ownKind, ...own } = head.decoder
  const plugin = decoderOf(kind ?? ownKind)
  const config = checkConfig(plugin.schema, kind === undefined ? own : decoder, `decoder ${plugin.kind}`)
  const moments = play(entries, createExpectation(plugin.kind, config))
  return createPlayer({ kind: plugin.kind, config, channels: plugin.channels(config), rateHz: 1000 / momentMs, moments })
}

function read(path: string): ReturnType<typeof parseCapture> {
  try {
    return parseCapture(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw invalidRecording(path, (cause as Error).message, cause)
  }
}

function* play(entries: CaptureEntry[], expect: (bytes: Uint8Array) => Emission): Generator<Emission[]> {
  let moment: Emission[] = []
  let endMs = momentMs
  for (const entry of entries) {
    for (; entry.ms >= endMs; endMs += momentMs) {
      yield moment
      moment = []
    }
    if ('hex' in entry) moment.push(expect(Buffer.from(entry.hex, 'hex')))
  }
  yield moment
}
