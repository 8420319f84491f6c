/**
 * A broker and the links to it. Messages take time; some are lost, doubled or overtaken by later ones, which is more than MQTT
 * does and what receipts must stand. A killed broker forgets everything; a cut link ends its connection. STATE is retained.
 */

import type { Transport as BridgeTransport } from '@millrace/cloud-processor/bridge'
import { levelsOf, matches } from '@millrace/contract'
import type { Transport as AgentTransport, Connection, TransportEvents } from '@millrace/edge-agent/uplink'
import type { Random } from './random.ts'
import type { Process, World } from './world.ts'

export interface NetworkFaults {
  lose: number
  double: number
  overtake: number
}

export interface Network {
  setFaults(faults: NetworkFaults): void
  killBroker(downMs: number): void
  cutLink(link: string, forMs: number): void
  /** `link` is the one that is cut, where it is not named as the client. */
  agentTransport(node: string, process: Process, link?: string): AgentTransport
  /** The bridge's end; it comes back by itself after the broker did. `name` is that of its link, where there are several. */
  bridgeTransport(process: Process, onPublish?: (topic: string, payload: Uint8Array) => void, name?: string): BridgeTransport
  /** The connections of a process that was killed, or did not answer for long: their wills are published. */
  hangUp(process: Process): void
  /** What a subscriber would hear at once. */
  retained(topic: string): Uint8Array | undefined
  readonly struck: { lost: number; doubled: number; overtaken: number; brokerKills: number; cuts: number }
}

interface Peer {
  process: Process
  /** Its client id, where a newer connection takes it over. */
  node: string | undefined
  link: string | undefined
  isOpen: boolean
  filters: string[]
  deliver(topic: string, payload: Uint8Array): void
  close(reason: string): void
  will?: { topic: string; payload: Uint8Array }
}

const retainedPrefix = 'spBv1.0/STATE/'

export function createNetwork(world: World, random: Random): Network {
  let faults: NetworkFaults = { lose: 0, double: 0, overtake: 0 }
  let downUntilMs = 0
  const cutUntilMs = new Map<string, number>()
  const peers = new Set<Peer>()
  const struck = { lost: 0, doubled: 0, overtaken: 0, brokerKills: 0, cuts: 0 }
  const chance = (p: number) => p > 0 && random.next() < p
  const delayMs = () => 0.5 + 2 * random.next()

  const retained = new Map<string, Uint8Array>()

  function route(topic: string, payload: Uint8Array): void {
    if (topic.startsWith(retainedPrefix)) retained.set(topic, payload)
    for (const peer of peers)
      if (peer.filters.some((filter) => matches(levelsOf(filter), levelsOf(topic)))) send(peer, topic, payload)
  }

  /** A message that is in flight when its connection ends is lost. */
  function send(peer: Peer, topic: string, payload: Uint8Array): void {
    if (chance(faults.lose)) {
      struck.lost++
      return
    }
    const late = chance(faults.overtake) ? 50 * random.next() : 0
    if (late > 0) struck.overtaken++
    const times = chance(faults.double) ? 2 : 1
    if (times === 2) struck.doubled++
    for (let i = 0; i < times; i++) {
      world.at(delayMs() + late + i * 20 * random.next(), () => {
        if (peer.isOpen) peer.deliver(topic, payload)
      })
    }
  }

  function drop(peer: Peer, reason: string): void {
    if (!peer.isOpen) return
    peer.isOpen = false
    peers.delete(peer)
    peer.close(reason)
    if (peer.will) route(peer.will.topic, peer.will.payload)
  }

  const isReachable = (link: string | undefined) => world.nowMs >= downUntilMs && world.nowMs >= (cutUntilMs.get(link ?? '') ?? 0)

  return {
    struck,
    setFaults(next) {
      faults = next
    },
    killBroker(forMs) {
      struck.brokerKills++
      downUntilMs = world.nowMs + forMs
      retained.clear()
      for (const peer of [...peers]) {
        delete peer.will
        drop(peer, 'broker killed')
      }
    },
    cutLink(link, forMs) {
      struck.cuts++
      cutUntilMs.set(link, world.nowMs + forMs)
      for (const peer of [...peers]) if (peer.link === link) drop(peer, 'link cut')
    },
    hangUp(process) {
      for (const peer of [...peers]) if (peer.process === process) drop(peer, 'the other end is gone')
    },
    retained: (topic) => retained.get(topic),
    agentTransport: (node, process, link = node) => ({
      connect(will, events: TransportEvents): Connection {
        const peer: Peer = {
          process,
          node,
          link,
          isOpen: false,
          filters: [],
          will,
          deliver: (topic, payload) => process.deliver(() => events.message(topic, payload)),
          close: (reason) => process.deliver(() => events.closed(reason)),
        }
        world.at(delayMs(), () => {
          if (!process.isAlive) return
          if (!isReachable(link)) return process.deliver(() => events.closed('refused'))
          // A client id is taken over by its newest connection.
          for (const other of [...peers]) if (other.node === node) drop(other, 'taken over')
          peer.isOpen = true
          peers.add(peer)
          process.deliver(events.open)
        })
        return {
          async subscribe(filters) {
            await new Promise<void>((resolve) => world.at(delayMs(), () => process.deliver(resolve)))
            peer.filters.push(...filters)
            for (const [topic, payload] of retained) if (filters.includes(topic)) send(peer, topic, payload)
          },
          publish(topic, payload) {
            if (!process.isAlive) return true
            world.at(delayMs(), () => {
              if (peer.isOpen) route(topic, payload)
            })
            return true
          },
          async end() {
            peers.delete(peer)
            peer.isOpen = false
            process.deliver(() => events.closed('ended'))
          },
        }
      },
    }),
    bridgeTransport(process, onPublish = () => {}, name = undefined) {
      let listener: Parameters<BridgeTransport['onMessage']>[0] = () => {}
      const peer: Peer = {
        process,
        node: undefined,
        link: name,
        isOpen: false,
        filters: ['spBv1.0/#'],
        deliver: (topic, payload) => process.deliver(() => listener(topic, payload, () => {})),
        close: () => process.clock.after(200, reconnect),
      }
      const reconnect = () => {
        if (!process.isAlive || peer.isOpen) return
        if (!isReachable(name)) return void process.clock.after(200, reconnect)
        peer.isOpen = true
        peers.add(peer)
      }
      process.clock.after(1, reconnect)
      return {
        publish(topic, payload) {
          if (!peer.isOpen || !process.isAlive) return
          onPublish(topic, payload as Uint8Array)
          world.at(delayMs(), () => {
            if (peer.isOpen) route(topic, payload as Uint8Array)
          })
        },
        onMessage(call) {
          listener = call
        },
        connected: () => peer.isOpen,
        lead: async () => {},
        close: async () => {
          peers.delete(peer)
          peer.isOpen = false
        },
      }
    },
  }
}
