/** A recording as an instrument: what it says comes from a file, and it cannot be told to do otherwise. */
import type { Channel } from '@millrace/contract'
import { makeGarbage } from '../instruments/garbage.ts'
import type { Emission, Instrument } from '../instruments/instrument.ts'
import { createRandom } from '../signals/random.ts'

export interface Recorded {
  kind: string
  config: unknown
  channels: Channel[]
  rateHz: number
  moments: Iterator<Emission[]>
}

export function createPlayer({ kind, config, channels, rateHz, moments }: Recorded): Instrument {
  const junk = createRandom(1, 'recording/garbage')
  return {
    kind,
    config,
    channels,
    rateHz,
    waits: true,
    next() {
      const moment = moments.next()
      return moment.done ? undefined : moment.value
    },
    obey: () => false,
    garbage: (bytes) => makeGarbage(kind, junk, bytes),
  }
}
