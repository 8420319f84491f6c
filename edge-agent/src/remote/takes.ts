/** What a gateway takes from the cloud. */
import type { GatewayCommand, GatewayReport } from '@millrace/contract'
import { isClearText } from '@millrace/platform'
import type { AgentConfig } from '../config.ts'

/** They change nothing, and every Sparkplug host may ask for a rebirth. */
const harmless: ReadonlySet<string> = new Set<GatewayCommand['command']>(['status', 'rebirth'])

export function takesOf({ remote, uplink }: AgentConfig): Pick<GatewayReport, 'takes' | 'why'> {
  if (remote === false)
    return { takes: { configuration: false, commands: false }, why: 'remote is false in the file of the gateway' }
  const missing = missingOf(uplink)
  if (missing) return { takes: { configuration: false, commands: false }, why: missing }
  const { configuration, commands } = remote
  const off = Object.entries({ configuration, commands }).flatMap(([key, isOn]) => (isOn ? [] : [`remote.${key}`]))
  return {
    takes: { configuration, commands },
    ...(off.length > 0 ? { why: `${off.join(' and ')} is false in the file of the gateway` } : {}),
  }
}

/** Why a command is refused; undefined: it is not. */
export function commandRefusal(config: AgentConfig, command: string): string | undefined {
  const { takes, why } = takesOf(config)
  const isOn = config.remote !== false && config.remote.commands
  return takes.commands || (isOn && harmless.has(command)) ? undefined : why
}

/** Anybody could order on a link whose broker lets in everybody, or on which others can write. */
function missingOf(uplink: AgentConfig['uplink']): string | undefined {
  const { url, receipts, username, password, passwordFile, certFile, keyFile } = uplink
  if (!receipts) return 'uplink.receipts is false: this host confirms nothing'
  if (isClearText(url))
    return `the link is not authenticated: uplink.url ${new URL(url).protocol}// to another machine has no TLS`
  const hasPassword = username !== undefined && (password ?? passwordFile) !== undefined
  if (hasPassword || (certFile !== undefined && keyFile !== undefined)) return undefined
  return 'the link is not authenticated: uplink has neither username and password nor a certificate'
}
