/**
 * The connection to the broker: made again without limit, under a new `bdSeq`, after waits that double and are jittered.
 */
import { backOffMs, type Clock, type Log } from '@millrace/platform'
import type { Outbox } from '../outbox/index.ts'
import type { UplinkOptions } from './options.ts'
import { type NodeName, nodeDeath, Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface LinkContext {
  outbox: Outbox
  transport: Transport
  node: NodeName
  /** Host application whose STATE counts. */
  host: string
  /** See SessionContext. */
  nodeMetrics?: string[]
  options: UplinkOptions
  clock: Clock
  log: Log
  random: () => number
}

/** About the present connection only. */
export interface LinkEvents {
  /** Connected and subscribed: the birth is due. */
  ready(session: Session): void
  message(topic: string, payload: Uint8Array): void
  writable(): void
  /** A connection ended or was not made. */
  ended(): void
}

export class Link {
  session: Session | undefined
  lastError: string | undefined
  isStopped = true
  private readonly context: LinkContext
  private readonly events: LinkEvents
  private isConnecting = false
  private failures = 0
  private cancelReconnect = () => {}

  constructor(context: LinkContext, events: LinkEvents) {
    this.context = context
    this.events = events
  }

  start(): void {
    this.isStopped = false
    void this.connect()
  }

  /** No connection after this. The one that was open is the caller's to end. */
  stop(): Session | undefined {
    this.isStopped = true
    this.cancelReconnect()
    const last = this.session
    this.session = undefined
    return last
  }

  /** The host answered: the next failure is the first. */
  good(): void {
    this.failures = 0
    this.lastError = undefined
  }

  private async connect(): Promise<void> {
    if (this.isStopped || this.isConnecting || this.session) return
    this.isConnecting = true
    const bdSeq = await this.context.outbox.nextBdSeq()
    this.isConnecting = false
    if (this.isStopped) return
    try {
      this.open(bdSeq)
    } catch (error) {
      this.ended((error as Error).message)
    }
  }

  private open(bdSeq: number): void {
    const { transport, node, nodeMetrics: metrics = [], clock } = this.context
    const connection = transport.connect(nodeDeath(node, bdSeq, clock), {
      open: () => void this.subscribe(own),
      message: (topic, payload) => {
        if (own === this.session) this.events.message(topic, payload)
      },
      writable: () => {
        own.isWritable = true
        this.events.writable()
      },
      closed: (reason) => {
        if (own === this.session) this.ended(reason)
      },
    })
    const own = new Session(connection, { node, bdSeq, metrics, clock })
    this.session = own
  }

  private async subscribe(own: Session): Promise<void> {
    const { host, options, clock, log } = this.context
    // A broker that never answers would keep a connection that is good for nothing.
    const giveUp = clock.after(options.connectMsMax, () => void own.end())
    try {
      await own.subscribe(host)
    } catch (error) {
      this.lastError = (error as Error).message
      return own.end()
    } finally {
      giveUp()
    }
    if (own !== this.session) return
    log.info('connected to the broker', { url: options.url })
    this.events.ready(own)
  }

  private ended(reason: string): void {
    const { options, clock, log } = this.context
    this.session = undefined
    this.lastError = reason
    this.events.ended()
    if (this.isStopped) return
    if (this.failures === 0) log.warn('no connection to the broker', { url: options.url, reason })
    this.cancelReconnect = clock.after(this.waitMs(), () => void this.connect())
  }

  private waitMs(): number {
    const { options, random } = this.context
    return backOffMs(++this.failures, options.reconnectMsMin, options.reconnectMsMax) * (0.5 + 0.5 * random())
  }
}
