/**
 * The bridge's connections: Sparkplug data (QoS 0), plain devices (QoS 1, a persistent session; both mqtt-connection.ts), and STATE with the retained
 * birth and will of the Sparkplug host application.
 */
import { readFileSync } from 'node:fs'
import { decodeState, formatStateTopic } from '@millrace/contract/sparkplug'
import { type Clock, type Log as Logger, readSecret } from '@millrace/platform'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { Transport } from './bridge.ts'
import type { BridgeConfig } from './config.ts'
import { type Connection, type ConnectionEvents, type ConnectionOptions, openConnection } from './mqtt-connection.ts'

type Listener = Parameters<Transport['onMessage']>[0]

const keepaliveSeconds = 10
/** How long a connection takes to end in order. */
const goodbyeMs = 1000

/** @param instance makes the data connection's client id unique among several bridges. */
export function connectTransport(
  config: BridgeConfig,
  { clock, logger, instance }: { clock: Clock; logger: Logger; instance?: string },
): Transport {
  let listener: Listener = (_topic, _payload, settled) => settled(false)
  let led: { announce(): void; close(isLast: boolean): Promise<void> } | undefined
  const clientId = instance ? `${config.clientId}-${instance}` : config.clientId
  const data = connectData({ ...config, clientId }, clock, logger, {
    up: () => led?.announce(),
    message: (topic, payload, flags, settled) => listener(topic, payload, settled, flags),
  })

  function takeLead() {
    const state = new HostState(config, clock, logger)
    const plain = config.plain.length > 0 ? connectPlain(config, clock, logger, () => listener) : undefined
    if (data.isUp()) state.announce()
    return {
      announce: () => state.announce(),
      async close(isLast: boolean) {
        await Promise.all([state.close(isLast), plain?.close()])
      },
    }
  }

  return {
    publish: data.publish,
    onMessage: (call) => {
      listener = call
    },
    connected: data.isUp,
    async lead(isLeading, isLast = true) {
      if (isLeading) led ??= takeLead()
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

type DataEvents = Pick<ConnectionEvents, 'up' | 'message'>

function connectData(config: BridgeConfig, clock: Clock, logger: Logger, events: DataEvents): Connection {
  const filters = [config.share === 'broker' ? `$share/${config.host}/spBv1.0/#` : 'spBv1.0/#']
  return openConnection({ ...optionsOf(config), filters, restMs: config.lingerMs }, loggedEvents(config, logger, events), clock)
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
    message(topic, payload, flags, settled) {
      if (payload.length <= config.queueBytesMax * plainShare) return listener()(topic, payload, settled, flags)
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

function loggedEvents({ clientId: client }: BridgeConfig, logger: Logger, { up, message }: DataEvents): ConnectionEvents {
  return {
    up() {
      logger.info('connected to the broker', { client })
      up()
    },
    message,
    refused: (filters) =>
      logger.error('the broker refused the subscription; give this account the role host', { client, filters }),
    tooLarge: (bytes) => logger.warn('a message larger than the queue of the bridge was dropped', { client, bytes }),
    down: (error) => logger.warn('broker connection failed', { client, error }),
  }
}

/** A broker that says nothing keeps nobody from stopping; it takes a connection without a goodbye for lost, and tells the will. */
async function end(client: MqttClient, clock: Clock, goodbye = async (): Promise<unknown> => undefined): Promise<void> {
  const leaving = goodbye().then(() => client.endAsync())
  leaving.catch(() => {})
  let cancel = () => {}
  const late = new Promise((resolve) => {
    cancel = clock.after(goodbyeMs, () => resolve(undefined))
  })
  await Promise.race([leaving.catch(() => {}), late])
  cancel()
  client.end(true)
}

/** The retained birth and will of the host application. */
class HostState {
  readonly #config: BridgeConfig
  readonly #clock: Clock
  readonly #topic: string
  readonly #client: MqttClient
  #timestamp = 0
  #isSubscribed = false
  #isClosing = false

  constructor(config: BridgeConfig, clock: Clock, logger: Logger) {
    this.#config = config
    this.#clock = clock
    this.#topic = formatStateTopic(config.host)
    const client = connect(config.url, this.#options())
    this.#client = client
    client.on('connect', () => client.subscribe(this.#topic, { qos: 1 }, () => this.#say()))
    client.on('message', (_topic, message) => this.#hear(message))
    client.on('reconnect', () => Object.assign(client.options, this.#options()))
    client.on('error', (error) => logger.warn('STATE connection failed', { error }))
  }

  /** [tck-id-host-topic-phid-birth-payload] The will and the birth of one connection carry the same timestamp, which never goes back. */
  #options(): IClientOptions {
    this.#timestamp = Math.max(this.#clock.now(), this.#timestamp + 1)
    return {
      ...common(this.#config),
      clientId: `${this.#config.clientId}-state`,
      clean: true,
      will: { topic: this.#topic, payload: Buffer.from(this.#payload(false)), qos: 1, retain: true },
    }
  }

  announce(): void {
    this.#isSubscribed = true
    this.#say()
  }

  #say(): void {
    if (this.#client.connected && this.#isSubscribed)
      this.#client.publish(this.#topic, this.#payload(true), { qos: 1, retain: true })
  }

  #payload(online: boolean): string {
    return JSON.stringify({ online, timestamp: this.#timestamp })
  }

  /**
   * Somebody's will, or another instance, said that this host is offline: say again that it is not, and later than that by
   * whatever clock it was said. Nodes pass over what is older, and would wait for ever.
   */
  #hear(message: Buffer): void {
    const said = decodeState(message)
    if (this.#isClosing || said?.online !== false) return
    this.#timestamp = Math.max(this.#clock.now(), this.#timestamp + 1, said.timestamp + 1)
    this.#say()
  }

  /** Another bridge goes on when this is not the last: the host stays online. */
  async close(isLast: boolean): Promise<void> {
    this.#isClosing = true
    const goodbye = () => this.#client.publishAsync(this.#topic, this.#payload(false), { qos: 1, retain: true })
    await end(this.#client, this.#clock, isLast && this.#client.connected ? goodbye : undefined)
  }
}

function common(config: BridgeConfig): IClientOptions {
  const { username, password, ca } = credentials(config)
  return {
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(ca ? { ca } : {}),
    reconnectPeriod: 1000,
    keepalive: keepaliveSeconds,
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
