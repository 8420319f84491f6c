/**
 * aedes, with what it leaves out:
 *
 * - It continues to read a publisher whenever a new chunk comes, however many of its messages wait for a subscriber (lib/client.js,
 *   `nextBatch`). Here the publisher's connection counts each message from its arrival until the last subscriber has room for it.
 * - A message that matches two filters of a client goes out once: aedes drops what has no higher number than the one before
 *   (`dedupe`). A message of QoS 1 is numbered before it is stored, so one of QoS 0 that came later takes its turn and the first is lost: a will,
 *   to a client that reads `$SYS/#` too. Here only the same number is dropped.
 */

import { levelsOf, matches } from '@millrace/contract'
import type { Log } from '@millrace/platform'
import { Aedes, type AedesOptions, type AedesPublishPacket, type Client, type PublishPacket } from 'aedes'
import type { Counts } from './counts.ts'
import { Connection } from './guard/connection.ts'
import { refusals } from './refusals.ts'

type Done = (error?: Error) => void

/** Listens to no port: connections are given to its `handle`. */
export async function startEngine(options: AedesOptions): Promise<Aedes> {
  const { authorizeForward } = options
  const forward: AedesOptions['authorizeForward'] = (client, packet) => {
    if (isSecondTime(client, packet)) return null
    const allowed = authorizeForward ? authorizeForward(client, packet) : packet
    return allowed ? atMostGranted(client, allowed) : allowed
  }
  const engine = new Engine({ ...options, authorizeForward: forward })
  await engine.listen()
  engine.on('client', (client) => Object.defineProperty(client, 'duplicates', { value: neverDuplicate(engine.id) }))
  return engine
}

/** Of a message's deliveries to one client, which follow each other in one turn. A retained one has no broker's id. */
function isSecondTime(client: Client, { brokerId, brokerCounter }: AedesPublishPacket): boolean {
  const connection = client.conn
  if (!brokerId || !(connection instanceof Connection)) return false
  if (connection.lastForwarded === brokerCounter) return true
  connection.lastForwarded = brokerCounter
  return false
}

/** Where aedes looks up the highest number that a client was given. */
function neverDuplicate(brokerId: string): Record<string, number> {
  return Object.defineProperty({}, brokerId, { get: () => 0, set: () => {} })
}

/** An error of one client is counted once for that client; aedes has closed it already. */
export function followErrors(engine: Aedes, counts: Pick<Counts, 'refused'>, log: Log): void {
  const told = new WeakSet<object>()
  const count = (client: object, error: Error) => {
    if (told.has(client) || error.message === 'connection closed' || Object.hasOwn(refusals, error.message)) return
    told.add(client)
    counts.refused(error.message === 'keep alive timeout' ? 'keepalive-timeout' : 'protocol-error', { error })
  }
  engine.on('clientError', count)
  engine.on('connectionError', count)
  ;(engine as NodeJS.EventEmitter).on('error', (error) => log.error('MQTT engine', { error }))
}

class Engine extends Aedes {
  override publish(packet: PublishPacket, from: Client | Done | null, done?: Done): void {
    const publish = super.publish as (packet: PublishPacket, from: unknown, done?: Done) => void
    const connection = typeof from === 'object' ? from?.conn : undefined
    if (!(connection instanceof Connection)) return publish.call(this, packet, from, done)
    // Acknowledged, and nobody's: what begins with $ is the server's own [MQTT-4.7.2-1].
    if (packet.topic.startsWith('$')) return done?.()
    const bytes = packet.payload.length + packet.topic.length
    connection.addInFlight(bytes)
    publish.call(this, packet, from, (error) => {
      connection.removeInFlight(bytes)
      done?.(error)
    })
  }
}

/**
 * [MQTT-3.8.4-6] A message goes out with at most the QoS that its subscription was granted. aedes sees to that, but for retained
 * messages that a filter with wildcards matches.
 */
const atMostGranted: NonNullable<AedesOptions['authorizeForward']> = (client, packet) => {
  if (!packet.retain || packet.qos === 0) return packet
  const { subscriptions } = client as unknown as { subscriptions: Record<string, { qos?: number }> }
  const topic = levelsOf(packet.topic)
  let granted = -1
  for (const [filter, { qos = 0 }] of Object.entries(subscriptions))
    if (matches(levelsOf(filter), topic)) granted = Math.max(granted, qos)
  if (granted < 0 || granted >= packet.qos) return packet
  return Object.assign(Object.create(Object.getPrototypeOf(packet)), packet, { qos: granted })
}
