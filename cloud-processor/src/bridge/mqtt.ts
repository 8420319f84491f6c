/**
 * The bridge's connections: Sparkplug data with STATE of the host application (QoS 0, host-state.ts), and plain devices (QoS 1, a
 * persistent session; both mqtt-connection.ts).
 */
import { readFileSync } from 'node:fs'
import { type Clock, type Log as Logger, readSecret } from '@millrace/platform'
import type { Transport } from './bridge.ts'
import type { BridgeConfig } from './config.ts'
import { HostState } from './host-state.ts'
import { type Connection, type ConnectionEvents, type ConnectionOptions, openConnection } from './mqtt-connection.ts'

type Listener = Parameters<Transport['onMessage']>[0]

const keepaliveSeconds = 10

/** @param instance makes the data connection's client id unique among several bridges. */
export function connectTransport(
  config: BridgeConfig,
  { clock, logger, instance }: { clock: Clock; logger: Logger; instance?: string },
): Transport {
  let listener: Listener = (_topic, _payload, settled) => settled(false)
  let plain: Connection | undefined
  const clientId = instance ? `${config.clientId}-${instance}` : config.clientId
  const state = new HostState(config.host, clock)
  const events: DataEvents = {
    up: () => state.announce(data),
    message(topic, payload, packet, settled) {
      if (topic === state.topic) state.hear(payload, (packet.flags & 1) !== 0, data)
      listener(topic, payload, settled, packet)
    },
  }
  const data: Connection = connectData({ ...config, clientId }, state, { clock, logger }, events)

  function takeLead(): void {
    state.lead(data)
    if (config.plain.length > 0) plain ??= connectPlain(config, clock, logger, () => listener)
  }

  async function leave(isLast: boolean): Promise<void> {
    const former = plain
    plain = undefined
    await Promise.all([state.leave(data, isLast), former?.close()])
  }

  return {
    publish: data.publish,
    onMessage: (call) => {
      listener = call
    },
    connected: data.isUp,
    async lead(isLeading, isLast = true) {
      if (isLeading) takeLead()
      else await leave(isLast)
    },
    async close() {
      await leave(true)
      await data.close()
    },
  }
}

type DataEvents = Pick<ConnectionEvents, 'up' | 'message'>

function connectData(
  config: BridgeConfig,
  state: HostState,
  { clock, logger }: { clock: Clock; logger: Logger },
  events: DataEvents,
): Connection {
  const namespace = config.share === 'broker' ? `$share/${config.host}/spBv1.0/#` : 'spBv1.0/#'
  const will = () => state.will()
  const options = { ...optionsOf(config), filters: [state.topic, namespace], will, restMs: config.lingerMs }
  return openConnection(options, loggedEvents(config, logger, events), clock)
}

/** Messages in flight fill the queue to a quarter at most: the others are for agents. */
const plainShare = 1 / 4
/** The queue batches what comes while it writes, and a broker's window may be 20 messages: to linger longer would cost speed. */
const plainLingerMs = 1

/** PUBACK follows the durable append. What was dropped, or not yet acknowledged when the connection ended, is sent again. */
function connectPlain(config: BridgeConfig, clock: Clock, logger: Logger, listener: () => Listener): Connection {
  const plain = { ...config, clientId: `${config.clientId}-plain` }
  const options: ConnectionOptions = {
    ...optionsOf(plain),
    filters: config.plain,
    restMs: Math.min(config.lingerMs, plainLingerMs),
    packetBytesMax: Number.POSITIVE_INFINITY,
    isPersistent: true,
    inFlightBytesMax: config.queueBytesMax * plainShare,
  }
  const events: ConnectionEvents = loggedEvents(plain, logger, {
    up() {},
    message(topic, payload, packet, settled) {
      if (payload.length <= config.queueBytesMax * plainShare) return listener()(topic, payload, settled, packet)
      // It would never fit, and without an acknowledgement it would come again.
      events.tooLarge(payload.length)
      settled(true)
    },
  })
  return openConnection(options, events, clock)
}

function optionsOf(config: BridgeConfig) {
  const { username, password, ca } = credentials(config)
  return {
    url: config.url,
    clientId: config.clientId,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(ca ? { ca } : {}),
    keepaliveSeconds,
    packetBytesMax: config.queueBytesMax,
  }
}

function loggedEvents({ clientId: client, url }: BridgeConfig, logger: Logger, { up, message }: DataEvents): ConnectionEvents {
  const broker = new URL(url).host
  /** Told once, however often the next attempt fails in the same way. */
  let told: string | undefined
  return {
    up() {
      told = undefined
      logger.info('connected to the broker', { client })
      up()
    },
    message,
    refused: (filters) =>
      logger.error('the broker refused the subscription; give this account the role host', { client, filters }),
    tooLarge: (bytes) => logger.warn('a message larger than the queue of the bridge was dropped', { client, bytes }),
    down({ message: reason }) {
      if (reason !== told) logger.warn('no connection to the broker', { client, broker, reason })
      told = reason
    },
  }
}

function credentials({ url, username, password, passwordFile, caFile }: BridgeConfig) {
  const inUrl = new URL(url)
  return {
    username: username ?? decodeURIComponent(inUrl.username),
    password: passwordFile ? readSecret(passwordFile, 'bridge.passwordFile') : (password ?? decodeURIComponent(inUrl.password)),
    ca: caFile ? readFileSync(caFile) : undefined,
  }
}
