/**
 * aedes, with the one thing that its own back-pressure leaves out: it goes on reading a publisher whenever a new chunk comes,
 * however many of its messages wait for a subscriber (lib/client.js, `nextBatch`). Here each message is told to the
 * publisher's connection when it sets out and when the last subscriber has room for it.
 */
import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import { Connection } from './guard/connection.ts'
import { levelsOf, matches } from './topics.ts'

type Done = (error?: Error) => void

/** Listens to no port: connections are given to its `handle`. */
export async function startEngine(options: AedesOptions): Promise<Aedes> {
  const { authorizeForward } = options
  const forward: AedesOptions['authorizeForward'] = (client, packet) => {
    const allowed = authorizeForward ? authorizeForward(client, packet) : packet
    return allowed ? atMostGranted(client, allowed) : allowed
  }
  const engine = new Engine({ ...options, authorizeForward: forward })
  await engine.listen()
  return engine
}

class Engine extends Aedes {
  override publish(packet: PublishPacket, from: Client | Done | null, done?: Done): void {
    const publish = super.publish as (packet: PublishPacket, from: unknown, done?: Done) => void
    const connection = typeof from === 'object' ? from?.conn : undefined
    if (!(connection instanceof Connection)) return publish.call(this, packet, from, done)
    const bytes = packet.payload.length + packet.topic.length
    connection.setOut(bytes)
    publish.call(this, packet, from, (error) => {
      connection.arrived(bytes)
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
