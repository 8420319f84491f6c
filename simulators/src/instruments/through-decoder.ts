/** What an instrument has from the decoder of its kind: channels, the encoder, and garbage that this decoder must skip. */
import type { Channel } from '@millrace/contract'
import type { DecoderPlugin } from '@millrace/edge-agent/decoders'
import { checkConfig } from '@millrace/platform'
import { createRandom } from '../signals/random.ts'
import { decoderOf } from './decoder-of.ts'
import type { Instrument, InstrumentOptions, InstrumentPlugin } from './instrument.ts'

export interface ThroughDecoder<Config> {
  config: Config
  channels: Channel[]
  encode: ReturnType<DecoderPlugin<Config>['createEncoder']>
  instrument: Pick<Instrument, 'kind' | 'config' | 'channels' | 'garbage'>
}

/** @throws MillraceError CONFIG_INVALID when the decoder does not take its configuration. */
export function throughDecoder<Config>(
  { kind, garbage }: Pick<InstrumentPlugin, 'kind' | 'garbage'>,
  { decoder, seed, device }: Pick<InstrumentOptions, 'decoder' | 'seed' | 'device'>,
): ThroughDecoder<Config> {
  const plugin = decoderOf<Config>(kind)
  const config = checkConfig(plugin.schema, decoder, `decoder ${kind}`)
  const channels = plugin.channels(config)
  const random = createRandom(seed, `${device}/garbage`)
  const instrument = { kind, config, channels, garbage: (bytes: number) => garbage(random, bytes) }
  return { config, channels, encode: plugin.createEncoder(config), instrument }
}
