/**
 * A broker and the links to it. Messages take time; some are lost, doubled or overtaken by later ones, which is more than MQTT
 * does and what receipts must stand. A killed broker forgets everything; a cut link ends its connection.
 */

import type { Transport as BridgeTransport } from '@millrace/cloud-processor/bridge'
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
  cutLink(node: string, forMs: number): void
  agentTransport(node: string, process: Process): AgentTransport
  /** The bridge's end; it comes back by itself after the broker did. */
  bridgeTransport(process: Process, onPublish?: (topic: string, payload: Uint8Array) => void): BridgeTransport
  readonly struck: { lost: number; doubled: number; overtaken: number; brokerKills: number; cuts: number }
}

interface Peer {
  node: string | undefined
  isOpen: boolean
  filters: string[]
  deliver(topic: string, payload: Uint8Array): void
  close(reason: string): void
  will?: { topic: string; payload: Uint8Array }
}

export function createNetwork(world: World, random: Random): Network {
  let faults: NetworkFaults = { lose: 0, double: 0, overtake: 0 }
  let downUntilMs = 0
  const cutUntilMs = new Map<string, number>()
  const peers = new Set<Peer>()
  const struck = { lost: 0, doubled: 0, overtaken: 0, brokerKills: 0, cuts: 0 }
  const chance = (p: number) => p > 0 && random.next() < p
  const delayMs = () => 0.5 + 2 * random.next()

  function route(topic: string, payload: Uint8Array): void {
    for (const peer of peers) if (peer.filters.some((filter) => matches(filter, topic))) send(peer, topic, payload)
  }

  /** A message that is under way when its connection ends is lost. */
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

  const isReachable = (node: string | undefined) => world.nowMs >= downUntilMs && world.nowMs >= (cutUntilMs.get(node ?? '') ?? 0)

  return {
    struck,
    setFaults(next) {
      faults = next
    },
    killBroker(forMs) {
      struck.brokerKills++
      downUntilMs = world.nowMs + forMs
      for (const peer of [...peers]) {
        delete peer.will
        drop(peer, 'broker killed')
      }
    },
    cutLink(node, forMs) {
      struck.cuts++
      cutUntilMs.set(node, world.nowMs + forMs)
      for (const peer of [...peers]) if (peer.node === node) drop(peer, 'link cut')
    },
    agentTransport: (node, process) => ({
      connect(will, events: TransportEvents): Connection {
        const peer: Peer = {
          node,
          isOpen: false,
          filters: [],
          will,
          deliver: (topic, payload) => process.deliver(() => events.message(topic, payload)),
          close: (reason) => process.deliver(() => events.closed(reason)),
        }
        world.at(delayMs(), () => {
          if (!isReachable(node)) return process.deliver(() => events.closed('refused'))
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
    bridgeTransport(process, onPublish = () => {}) {
      let listener: Parameters<BridgeTransport['onMessage']>[0] = () => {}
      const peer: Peer = {
        node: undefined,
        isOpen: false,
        filters: ['spBv1.0/#'],
        deliver: (topic, payload) => process.deliver(() => listener(topic, payload, () => {})),
        close: () => process.clock.after(200, reconnect),
      }
      const reconnect = () => {
        if (!process.isAlive || peer.isOpen) return
        if (!isReachable(undefined)) return void process.clock.after(200, reconnect)
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

function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true
  return filter.endsWith('/#') && topic.startsWith(filter.slice(0, -1))
}
