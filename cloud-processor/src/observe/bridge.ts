/** What the bridge of this process is doing now; its counters are its own. */
import type { Metrics } from '@millrace/platform'
import type { BridgeStatus } from '../bridge/index.ts'

export function measureBridge(metrics: Metrics, status: () => BridgeStatus): void {
  metrics.gauge('millrace_bridge_connected', '1 while the bridge has a connection to the broker', () =>
    status().connected ? 1 : 0,
  )
  metrics.gauge('millrace_bridge_behind', '1 while live data lags and the backlog has its guaranteed minimum only', () =>
    status().isBehind ? 1 : 0,
  )
  metrics.gauge('millrace_bridge_queue_bytes', 'Bytes of messages that wait for the log', () => status().queuedBytes)
}
