/** A heartbeat: the state of one process, as JSON. */

/** A folder that one process at a time has locked. */
export interface Place {
  /** Of the folder and of the start of its machine. */
  id: string
  /** When this process locked it: monotonic time of the machine. */
  sinceMs: number
}

export interface Heartbeat {
  id: string
  /** A member that had the same place before has ended. */
  place?: Place
  n: number
  roles: string[]
  holds: string[]
  lagMs: Record<string, number>
  /** It only listens so far: the others keep their assignments until it can take its own at once. */
  joining?: true
  leaving?: true
}

export const encodeHeartbeat = (heartbeat: Heartbeat): Uint8Array => Buffer.from(JSON.stringify(heartbeat))

/** Undefined for bytes that are not a heartbeat, such as that of a newer version. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  try {
    const heartbeat = JSON.parse(Buffer.from(bytes).toString()) as Heartbeat
    const { id, roles, holds } = heartbeat
    return typeof id === 'string' && Array.isArray(roles) && Array.isArray(holds) ? heartbeat : undefined
  } catch {
    return undefined
  }
}
