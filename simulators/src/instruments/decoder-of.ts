import { type DecoderPlugin, decoderPlugins } from '@millrace/edge-agent/decoders'
import { MillraceError } from '@millrace/platform'

/** The decoder of a kind; `Config` is what its schema gives. @throws MillraceError CONFIG_INVALID where there is none. */
export function decoderOf<Config>(kind: string): DecoderPlugin<Config> {
  const plugin = decoderPlugins[kind]
  if (plugin) return plugin as DecoderPlugin<Config>
  throw new MillraceError('CONFIG_INVALID', {
    path: '(decoder)',
    detail: `unknown decoder ${kind}; known: ${Object.keys(decoderPlugins)}`,
  })
}
