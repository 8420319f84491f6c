/**
 * Heartbeats of the processes that use one log: short and volatile, seen by all of them, the sender included, in one
 * order. A log that one process owns has none.
 */
export interface Heartbeats {
  /** Resolves when the log has it. @throws MillraceError when it may not. */
  post(heartbeat: Uint8Array): Promise<void>
  /** Heartbeats from now on. Returns the unsubscribe function. */
  onHeartbeat(listener: (heartbeat: Uint8Array) => void): () => void
}
