/** The network as the uplink sees it. `mqtt-transport.ts` is MQTT; the simulation brings its own. */
export interface Transport {
  /** Begins a connection with its will (QoS 1, not retained). Of the events, `closed` comes once and is the last. */
  connect(will: { topic: string; payload: Uint8Array }, events: TransportEvents): Connection
}

export interface TransportEvents {
  open(): void
  message(topic: string, payload: Uint8Array): void
  /** The buffer has room again, after a publish that returned false. */
  writable(): void
  closed(reason: string): void
}

export interface Connection {
  /** QoS 1; resolves when the broker has granted all. */
  subscribe(filters: string[]): Promise<void>
  /** Not retained. False when the buffer is full: the message is in it, but the next should wait for `writable`. */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): boolean
  /** Sends what is in the buffer and a DISCONNECT. */
  end(): Promise<void>
}
