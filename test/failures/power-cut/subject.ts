/**
 * Something whose data must live through a power cut. Writer and checker run in child processes: the writer because it is
 * frozen and killed, the checker because it opens the data as a process after a reboot would, with no memory of before.
 */

export interface Subject {
  /**
   * Writes until it is killed. Each line that it says is a promise: what the line names is durable. It may say before doing it that
   * something is to be removed.
   */
  write(folder: string, seed: number, say: (line: Said) => void): Promise<void>
  /** Opens what the cut left, with the real code, and compares it with what was said before the cut. */
  check(folder: string, seed: number, said: Said[]): Promise<Found>
  /** The database whose write-ahead log is looked at. */
  file: string
}

/** One line from the writer. */
export type Said = [what: string, ...unknown[]]

export interface Found {
  /** Items that the writer named durable. */
  acknowledged: number
  /** Of those, not there. */
  lost: number
  doubled: number
  /** There with another value, or out of order. */
  altered: number
  /** Durable when the power went, and not yet said. */
  beyond: number
  /** What else does not agree. */
  problems: string[]
  /** What the round covered beside, by name. */
  covered: Record<string, number>
}

export function nothingFound(): Found {
  return { acknowledged: 0, lost: 0, doubled: 0, altered: 0, beyond: 0, problems: [], covered: {} }
}

/** The value of item n under a seed: neighbours differ, and nothing needs to be remembered. */
export function itemValue(seed: number, n: number): number {
  return Math.imul(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ n, 0xc2b2ae35) >> 8
}
