/**
 * Sparkplug topics [tck-id-topic-structure] [tck-id-topic-structure-namespace-a]:
 *
 *   spBv1.0/<group>/<NBIRTH | NDEATH | NDATA | NCMD>/<edge node>
 *   spBv1.0/<group>/<DBIRTH | DDEATH | DDATA | DCMD>/<edge node>/<device>
 *   spBv1.0/STATE/<host application>
 *
 * A device is named by the four device messages [tck-id-topic-structure-namespace-device-id-associated-message-types] and by
 * no other [tck-id-topic-structure-namespace-device-id-non-associated-message-types].
 */
import { SparkplugError } from './error.ts'

export const sparkplugNamespace = 'spBv1.0'

const nodeMessages = ['NBIRTH', 'NDEATH', 'NDATA', 'NCMD'] as const
const deviceMessages = ['DBIRTH', 'DDEATH', 'DDATA', 'DCMD'] as const
export type NodeMessage = (typeof nodeMessages)[number]
export type DeviceMessage = (typeof deviceMessages)[number]

export type SparkplugTopic =
  | { type: NodeMessage; group: string; node: string; device?: undefined }
  | { type: DeviceMessage; group: string; node: string; device: string }
  | StateTopic

export interface StateTopic {
  type: 'STATE'
  host: string
}

/** Undefined when the topic is not Sparkplug's. */
export function parseTopic(topic: string): SparkplugTopic | undefined {
  const parts = topic.split('/')
  if (parts[0] !== sparkplugNamespace || parts.length < 3 || parts.length > 5) return undefined
  for (let index = 1; index < parts.length; index++) if (!isValidId(parts[index]!)) return undefined
  const [, group, type, node, device] = parts as [string, string, string, string, string]
  if (parts.length === 3) return group === 'STATE' ? { type: 'STATE', host: type } : undefined
  if (parts.length === 4) return isOneOf(nodeMessages, type) ? { type, group, node } : undefined
  return isOneOf(deviceMessages, type) ? { type, group, node, device } : undefined
}

/** @throws SparkplugError bad-topic for an id that is empty or has a reserved character. */
export function formatTopic(topic: SparkplugTopic): string {
  if (topic.type === 'STATE') return formatStateTopic(topic.host)
  const node = `${sparkplugNamespace}/${checked(topic.group)}/${topic.type}/${checked(topic.node)}`
  return topic.device === undefined ? node : `${node}/${checked(topic.device)}`
}

/** @throws SparkplugError bad-topic. */
export function formatStateTopic(host: string): string {
  return `${sparkplugNamespace}/STATE/${checked(host)}`
}

/**
 * Whether a text may be the id of a group, node, device or host: valid UTF-8 without `+`, `/` and `#`
 * [tck-id-topic-structure-namespace-valid-group-id] [tck-id-topic-structure-namespace-valid-edge-node-id]
 * [tck-id-topic-structure-namespace-valid-device-id], not empty, and without the zero that MQTT forbids [MQTT-1.5.3-2].
 */
export function isValidId(id: string): boolean {
  return id !== '' && !/[+/#\0]/.test(id) && id.isWellFormed()
}

function checked(id: string): string {
  if (!isValidId(id)) throw new SparkplugError('bad-topic', 0, `"${id}" cannot be an id`)
  return id
}

function isOneOf<T extends string>(list: readonly T[], text: string): text is T {
  return (list as readonly string[]).includes(text)
}
