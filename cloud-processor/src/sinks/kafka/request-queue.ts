/**
 * kafkajs 2.2.4 looks at its queue of waiting requests again after `throttledUntil - now`, which is negative, without end: once a
 * millisecond for each connection, though nothing waits and nothing is sent (kafkajs #1704). Here it looks again only while
 * something waits. What it does then is unchanged. A test holds the fault against the version that is installed.
 */
import { createRequire } from 'node:module'

interface RequestQueue {
  pending: unknown[]
  scheduleCheckPendingRequests(): void
}

let isMended = false

export function mendRequestQueue(): void {
  if (isMended) return
  isMended = true
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}
