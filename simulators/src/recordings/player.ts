/** A recording as an instrument: what it says comes from a file, and it cannot be told to do otherwise. */
import type { Channel } from '@millrace/contract'
import { type Emission, type Instrument, instrumentPlugins } from '../instruments/index.ts'
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
    garbage(bytes) {
      const plugin = instrumentPlugins.find((one) => one.kind === kind)
      if (!plugin) throw new Error(`no instrument ${kind} can make garbage for its decoder`)
      return plugin.garbage(junk, bytes)
    },
  }
}
