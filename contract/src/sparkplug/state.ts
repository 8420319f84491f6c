/**
 * The payload of `spBv1.0/STATE/<host>`, which is JSON and no protobuf: `{"online":true,"timestamp":1700000000000}`
 * [tck-id-operational-behavior-host-application-connect-birth-payload]. The death certificate carries the time of the
 * birth that it belongs to.
 */
export interface HostState {
  online: boolean
  /** Epoch ms; of two states the one with the higher time counts. */
  timestamp: number
}

export function encodeState({ online, timestamp }: HostState): Uint8Array {
  return Buffer.from(JSON.stringify({ online, timestamp }))
}

/** Undefined when it is none. */
export function decodeState(bytes: Uint8Array): HostState | undefined {
  try {
    const state: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (state === null || typeof state !== 'object') return undefined
    const { online, timestamp } = state as Record<string, unknown>
    return typeof online === 'boolean' && Number.isSafeInteger(timestamp) ? { online, timestamp: timestamp as number } : undefined
  } catch {
    return undefined
  }
}
