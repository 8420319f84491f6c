/** Remote care as the uplink sees it: orders of the host, and reports to it. */
export interface Orders {
  /** An order that came, as JSON text. */
  take(text: string): void
  /** What is told after each birth of the node, as JSON text. */
  report(): string
}
