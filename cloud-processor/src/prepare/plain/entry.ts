import type { PayloadConfig } from './codecs/codec.ts'

/** An entry of the configuration, or what a template makes of one. */
export interface PlainConfig extends PayloadConfig {
  /** An entry has it, or a template. */
  filter?: string | undefined
  template?: string | undefined
  base?: string | undefined
  codec: string
  channel?: string | undefined
  channelsMax?: number | undefined
  ignore?: string[] | undefined
  zone?: string | undefined
}
