/** Everything that one processor tells Prometheus of itself, beside what its parts count, and the endpoint that it is read from. */
import { type Clock, type Log, type Metrics, type MetricsEndpointConfig, serveMetricsEndpoint } from '@millrace/platform'
import type { BridgeStatus } from '../bridge/index.ts'
import type { Progress } from '../stage/index.ts'
import type { StoreReader } from '../stores/store.ts'
import { measureBridge } from './bridge.ts'
import { watchFleet } from './fleet.ts'
import { measureStages } from './stages.ts'

export interface Observed {
  clock: Clock
  logger: Log
  metrics: Metrics
  progress(): Progress[]
  /** Absent where this process has none. */
  bridge?: { status(): BridgeStatus }
  store?: StoreReader
}

/** @throws MillraceError LISTENER_NOT_LOOPBACK, PROCESS_PORT_IN_USE */
export async function observe(config: MetricsEndpointConfig, observed: Observed): Promise<{ stop(): Promise<void> }> {
  const { metrics, progress, bridge, store } = observed
  measureStages(metrics, progress)
  if (bridge) measureBridge(metrics, () => bridge.status())
  const stopWatching = store ? watchFleet({ ...observed, store }) : () => {}
  const endpoint = await serveMetricsEndpoint(config, { health: () => health(observed), metrics: () => metrics.expose() })
  return {
    async stop() {
      stopWatching()
      await endpoint?.close()
    },
  }
}

function health({ progress, bridge }: Observed): unknown {
  const stages = progress().map(({ name, partition, lagMs }) => ({ name, partition, lagMs }))
  return { status: 'ok', ...(bridge ? { bridgeConnected: bridge.status().connected } : {}), stages }
}
