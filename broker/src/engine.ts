/**
 * aedes, with the one thing that its own back-pressure leaves out: it goes on reading a publisher whenever a new chunk comes,
 * however many of its messages wait for a subscriber (lib/client.js, `nextBatch`). Here each message is told to the
 * publisher's connection when it sets out and when the last subscriber has room for it.
 */
import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import { Connection } from './guard/connection.ts'

type Done = (error?: Error) => void

/** Listens to no port: connections are given to its `handle`. */
export async function startEngine(options: AedesOptions): Promise<Aedes> {
  const engine = new Engine(options)
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
