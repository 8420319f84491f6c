/**
 * STATE of the Sparkplug host application: the will of the leader's connection, the retained birth after its subscriptions, and a last
 * one with the time of disconnecting. All over the connection that reads the namespace [tck-id-message-flow-phid-sparkplug-subscription].
 */
import { decodeState, encodeState, formatStateTopic } from '@millrace/contract/sparkplug'
import type { Clock } from '@millrace/platform'
import type { Connection } from './mqtt-connection.ts'
import type { Will } from './mqtt-packets.ts'

export class HostState {
  readonly topic: string
  readonly #clock: Clock
  #timestamp = 0
  #isLeading = false

  constructor(host: string, clock: Clock) {
    this.topic = formatStateTopic(host)
    this.#clock = clock
  }

  /** Of the next connection. [tck-id-host-topic-phid-birth-payload] Its birth carries the same timestamp, which never goes back. */
  will(): Will | undefined {
    if (!this.#isLeading) return undefined
    this.#timestamp = this.#later()
    return { topic: this.topic, payload: encodeState({ online: false, timestamp: this.#timestamp }) }
  }

  /** The will is part of a connection from its beginning, so it begins again. */
  lead(connection: Connection): void {
    if (this.#isLeading) return
    this.#isLeading = true
    connection.reopen()
  }

  /** Connected and subscribed. */
  announce(connection: Connection): void {
    if (this.#isLeading) void connection.publishRetained(this.topic, encodeState({ online: true, timestamp: this.#timestamp }))
  }

  /**
   * Somebody's will, or another instance, said that this host is offline: say again that it is not, and later than that by
   * whatever clock it was said. Nodes ignore what is older, and would wait without limit. A retained copy from before this connection
   * is replaced by its birth.
   */
  hear(payload: Uint8Array, isRetained: boolean, connection: Connection): void {
    const said = decodeState(payload)
    if (!this.#isLeading || said?.online !== false || (isRetained && said.timestamp < this.#timestamp)) return
    this.#timestamp = Math.max(this.#later(), said.timestamp + 1)
    this.announce(connection)
  }

  /** Another bridge goes on when this is not the last: the host stays online. [tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean] */
  async leave(connection: Connection, isLast: boolean): Promise<void> {
    if (!this.#isLeading) return
    this.#isLeading = false
    if (!isLast || !connection.isUp()) return
    this.#timestamp = Math.max(this.#clock.now(), this.#timestamp)
    await connection.publishRetained(this.topic, encodeState({ online: false, timestamp: this.#timestamp }))
  }

  #later(): number {
    return Math.max(this.#clock.now(), this.#timestamp + 1)
  }
}
