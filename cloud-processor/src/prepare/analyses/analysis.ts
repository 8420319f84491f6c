/**
 * An analysis makes readings of *derived* channels from the readings of one or more channels of a device. It is pure: samples in
 * the order of their times, readings out, and between them a memory of bounded size. So live, restarted and replayed are the same.
 *
 * A plug-in is a folder `x/` with `x.ts`, `x.test.ts`, `README.md`; it adds one line to `index.ts`. `conformance.ts` is the
 * contract as a test suite. What is around it (lanes, times, declaration, ledger) is ../derived/.
 */
import type { Channel, Segment } from '@millrace/contract'
import type { z } from 'zod'

/** `P` are its own keys of an entry in the configuration, `M` is what it keeps. */
export interface Analysis<P extends object = object, M extends object = object> {
  /** What an entry says in `analysis`. */
  name: string
  /** What it makes of what, for the reference page. */
  description: string
  /** Of what it computes; part of the recipe. Raise it where the same samples give other readings. */
  version: number
  takes: 'waveform' | 'number' | 'text'
  /** How many channels it takes. */
  channels: 1 | 2
  /** Late samples are taken as well, in the order in which they come, into one memory. Absent: each lane has one, with samples in order. */
  takesLate?: true
  keys: z.ZodRawShape
  /** Why the keys cannot be meant. */
  fault?(keys: P): string | undefined
  /** @param sources the channels that it takes, as they are declared. */
  outputs(keys: P, sources: Channel[]): Output[]
  /** Made once for each device and entry. */
  open(keys: P, sources: Channel[]): Run<M>
  /** Plain data that JSON carries unchanged, of at most `bytesMax` as JSON. */
  memory: { empty(keys: P): M; bytesMax: number }
}

/** A derived channel is called `<name of the entry>.<name>`. */
export interface Output extends Pick<Channel, 'unit' | 'range' | 'code'> {
  name: string
  kind: 'number' | 'text' | 'boolean'
}

/** Of one device. Changes `memory` in place and tells what it made, in the order of its times for each output. */
export interface Run<M extends object = object> {
  /** Of channels of numbers, in their unit, and of texts. Times of one channel rise, where it does not take late samples. */
  take?(memory: M, reading: SourceReading, tell: Tell): void
  /** Of a waveform, unscaled. Samples are later than all before; between two segments there may be a gap. */
  takeSegment?(memory: M, segment: Segment, tell: Tell): void
}

export interface SourceReading {
  /** Which of the channels. */
  source: number
  t: number
  value: number | string
}

/** @param t is rounded to a ms; of readings of one output at the same ms or an earlier one the first counts. */
export type Tell = (output: string, t: number, value: number | string | boolean, isBad?: boolean) => void
