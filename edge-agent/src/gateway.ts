/** An agent as it runs on a gateway: with its status, its metrics endpoint, and remote care. Several may be in one process. */
import { createMetrics, createSteadyClock, type Log, measureProcess, serveMetricsEndpoint, systemClock } from '@millrace/platform'
import { type Agent, type AgentContext, startAgent } from './agent.ts'
import type { AgentConfig } from './config.ts'
import { keepRenewed } from './credential/index.ts'
import { openEngines } from './engines.ts'
import { type Parts, parts as realParts } from './parts.ts'
import { type Life, Remote } from './remote/index.ts'
import { pageOf } from './rules/index.ts'
import { serveStatus } from './status.ts'
import type { Orders, UplinkStatus } from './uplink/index.ts'

export interface Gateway {
  config: AgentConfig
  /** See Agent; through restarts. */
  commits(): number
  /** Rejects when neither a new configuration nor the one before can be started. */
  failed: Promise<never>
  stop(): Promise<void>
}

interface GatewayContext {
  log: Log
  env: NodeJS.ProcessEnv
  parts?: Parts
}

/** @throws MillraceError */
export async function startGateway(file: string | undefined, { log, env, parts = realParts }: GatewayContext): Promise<Gateway> {
  const clock = createSteadyClock(systemClock, (change) => log.warn('the wall clock was moved', { ...change }))
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => {})
  const start = (config: AgentConfig, orders: Orders) => live(config, { clock, log, orders }, parts)
  const remote = new Remote({ file, env, start, clock, log, failed: reject })
  await remote.start()
  return {
    get config() {
      return remote.config
    },
    commits: () => remote.life?.agent.commits() ?? 0,
    failed,
    stop: () => remote.stop(),
  }
}

async function live(
  config: AgentConfig,
  context: Pick<AgentContext, 'clock' | 'log'> & { orders: Orders },
  parts: Parts,
): Promise<Life> {
  const { clock, log, orders } = context
  const metrics = createMetrics()
  const stopMeasuring = measureProcess(metrics, log)
  const agent = await startAgent(config, { ...openEngines(config, { clock, log, metrics }), orders }, parts)
  const stopStatus = serveStatus(config.dataDir, agent.status, metrics)
  const renewal = keepRenewed(config, { clock, log })
  const stop = async () => {
    renewal?.stop()
    stopMeasuring()
    stopStatus()
    await agent.stop()
  }
  try {
    const page = agent.rules && (() => localPage(agent, clock.now()))
    const endpoint = await serveMetricsEndpoint(config.metrics, { health: agent.status, metrics: () => metrics.expose(), page })
    return { agent, stop: async () => void (await Promise.all([endpoint?.close(), stop()])) }
  } catch (error) {
    // The configuration before is started next.
    await stop()
    throw error
  }
}

function localPage({ status, rules }: Agent, nowMs: number): string {
  const { node, uplink } = status()
  const { connected: isConnected } = uplink as UplinkStatus
  return pageOf({ node, nowMs, isConnected, active: rules!.active(), newest: rules!.newest.list() })
}
