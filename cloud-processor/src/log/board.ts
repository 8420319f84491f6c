/**
 * Short notes that the processes on one log leave each other. Volatile, seen by all of them, the writer included, in one
 * order. A log that one process owns has none.
 */
export interface Board {
  /** Resolves when the log has it. @throws MillraceError when it may not. */
  post(note: Uint8Array): Promise<void>
  /** Notes posted from now on. Returns the unsubscribe function. */
  onNote(listener: (note: Uint8Array) => void): () => void
}
