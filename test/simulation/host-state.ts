/**
 * The bridge's end of the broker where several bridges share a log: as `cloud-processor/src/bridge/mqtt.ts` does it, with STATE
 * on a connection of its own that one bridge holds, with a retained birth and will.
 */
import type { Transport } from '@millrace/cloud-processor/bridge'
import { decodeState, encodeState, formatStateTopic } from '@millrace/contract/sparkplug'
import { host } from './agent.ts'
import type { Network } from './network.ts'
import type { Process } from './world.ts'

export const stateTopic = formatStateTopic(host)
const reconnectMs = 1000
/** One id for whichever bridge leads: the newest connection closes the one before. */
const stateClient = 'millrace-processor-state'

export function leadableTransport(
  network: Network,
  process: Process,
  machine: string,
  onPublish: (topic: string, payload: Uint8Array) => void,
): Transport {
  const data = network.bridgeTransport(process, onPublish, machine)
  let led: ReturnType<typeof holdState> | undefined
  return {
    ...data,
    async lead(isLeading, isLast = true) {
      if (isLeading) led ??= holdState(network, process, machine, onPublish)
      else {
        const former = led
        led = undefined
        await former?.close(isLast)
      }
    },
    async close() {
      await led?.close(true)
      await data.close()
    },
  }
}

function holdState(network: Network, process: Process, machine: string, onPublish: (topic: string, payload: Uint8Array) => void) {
  const { clock } = process
  const transport = network.agentTransport(stateClient, process, machine)
  let timestamp = 0
  let connection: ReturnType<typeof transport.connect> | undefined
  let isUp = false
  let isClosing = false

  function say(online: boolean): void {
    if (!isUp) return
    const payload = encodeState({ online, timestamp })
    onPublish(stateTopic, payload)
    connection!.publish(stateTopic, payload, 1)
  }

  function connect(): void {
    if (isClosing) return
    timestamp = Math.max(clock.now(), timestamp + 1)
    const will = { topic: stateTopic, payload: encodeState({ online: false, timestamp }) }
    connection = transport.connect(will as Parameters<typeof transport.connect>[0], {
      open() {
        isUp = true
        void connection!.subscribe([stateTopic]).then(() => say(true))
      },
      message(_topic, payload) {
        const said = decodeState(payload)
        if (isClosing || said?.online !== false) return
        timestamp = Math.max(clock.now(), timestamp + 1, said.timestamp + 1)
        say(true)
      },
      writable() {},
      closed() {
        isUp = false
        clock.after(reconnectMs, connect)
      },
    })
  }
  connect()

  return {
    async close(isLast: boolean) {
      isClosing = true
      if (isLast) {
        say(false)
        await new Promise<void>((resolve) => clock.after(5, resolve))
      }
      await connection?.end()
    },
  }
}
