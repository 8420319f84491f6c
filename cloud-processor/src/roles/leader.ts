/** What one bridge does for all of them: STATE and ticks, rebirth requests, the rules of the configuration, trimming of the log. */
import { topics } from '@millrace/contract'
import { every } from '@millrace/platform'
import { appendControl, createRebirths, type Rebirths } from '../bridge/index.ts'
import type { LogRecord } from '../log/index.ts'
import type { Role, Run } from '../members/index.ts'
import { announceRules } from '../rules/index.ts'
import { runSink } from '../stage/index.ts'
import type { Needs, RunningBridge } from './context.ts'

const trimEveryMs = 60_000
/** Who asks for births has waited for seconds. */
const restMs = 500

type LeaderContext = Needs<'config' | 'announced'>

export function leaderRole(context: LeaderContext, running: RunningBridge): Role {
  return { name: 'lead', among: 'bridge', partitions: 1, start: () => lead(context, running) }
}

function lead(context: LeaderContext, { bridge, transport }: RunningBridge): Run {
  const { config, log, clock, logger } = context
  const leading = bridge.lead()
  const requests = followRequests(context, createRebirths({ ...context, transport }))
  announceRules(config.rules, context.announced, (control) => appendControl(log, clock, control)).catch((error) =>
    logger.error('the rules of the configuration do not act yet', { error }),
  )
  const stopTrimming = every(clock, trimEveryMs, () => {
    log.trim().catch((error) => logger.warn('cannot trim the log', { error }))
  })
  return {
    async stop() {
      stopTrimming()
      await Promise.all([requests.stop(), leading.stop()])
    },
  }
}

/** Shows what is new on the timeline, of every partition: there `prepare` asks for rebirths. */
function followRequests(context: LeaderContext, rebirths: Rebirths): Run {
  const { log, config } = context
  const runs = Array.from({ length: log.partitions }, (_, partition) => {
    const position = async () => (await log.bounds(topics.timeline, partition)).end
    const write = async (records: LogRecord[]) => {
      for (const { value } of records) rebirths.see(value)
      return []
    }
    return runSink(
      { name: 'rebirths', topic: topics.timeline, partition, position, write, restMs, holdsLog: false },
      config.runner,
      context,
    )
  })
  return {
    async stop() {
      await Promise.all(runs.map((run) => run.stop()))
    },
  }
}
