/** Orders to gateways leave as NCMD messages, at QoS 0: who orders sends again what is not answered. */
import { type GatewayOrder, nodeMetrics } from '@millrace/contract'
import { encodeNodeCommand, formatTopic, isValidId } from '@millrace/contract/sparkplug'
import type { Transport } from './bridge.ts'
import type { BridgeConfig } from './config.ts'

export function sendOrder(
  transport: Transport,
  { node, order, atMs }: { node: string; order: GatewayOrder; atMs: number },
): void {
  const [group = '', id = ''] = node.split('/')
  if (!isValidId(group) || !isValidId(id)) return
  transport.publish(
    formatTopic({ group, type: 'NCMD', node: id }),
    encodeNodeCommand(nodeMetrics.order, JSON.stringify(order), atMs),
  )
}

/** The broker knows who speaks. */
export function hasAccount({ url, username, password, passwordFile }: BridgeConfig): boolean {
  const inUrl = new URL(url)
  return (username ?? inUrl.username) !== '' && (passwordFile ?? password ?? inUrl.password) !== ''
}
