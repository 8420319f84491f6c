/** What each process says of itself in a heartbeat, as JSON. */

export interface Heartbeat {
  id: string
  n: number
  roles: string[]
  holds: string[]
  lagMs: Record<string, number>
  /** It takes part, but only listens as yet: the others keep what they have until it can take its assignments at once. */
  joining?: true
  leaving?: true
}

export const encodeHeartbeat = (heartbeat: Heartbeat): Uint8Array => Buffer.from(JSON.stringify(heartbeat))

/** Undefined for what is no heartbeat, such as that of a newer version. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  try {
    const heartbeat = JSON.parse(Buffer.from(bytes).toString()) as Heartbeat
    const { id, roles, holds } = heartbeat
    return typeof id === 'string' && Array.isArray(roles) && Array.isArray(holds) ? heartbeat : undefined
  } catch {
    return undefined
  }
}
