#!/usr/bin/env node
/** `millrace-agent run --config <file>` | `check --config <file>` | `status --config <file>` */
import {
  createLog,
  createMetrics,
  createSteadyClock,
  loadConfig,
  measureProcess,
  readArguments,
  runService,
  serveMetricsEndpoint,
  systemClock,
} from '@millrace/platform'
import { startAgent } from './agent.ts'
import { agentSchema } from './config.ts'
import { checkAgent, openEngines } from './engines.ts'
import { askStatus, serveStatus } from './status.ts'
import { tellSupervisor } from './supervisor.ts'

const usage = {
  call: 'millrace-agent',
  words: ['run', 'check', 'status'],
  purpose: `run starts the agent. check tests the configuration. status asks the agent that runs.
--config names the file, YAML; docs/reference/configuration.md has its keys.`,
}
const { values, positionals } = readArguments(usage, { config: { type: 'string' } })
const log = createLog('agent')
const load = () => loadConfig(agentSchema, values.config, process.env)

if (positionals[0] === 'status') {
  const { dataDir } = load()
  await askStatus(dataDir).then(
    (body) => process.stdout.write(`${JSON.stringify(JSON.parse(body), null, 2)}\n`),
    () => {
      process.stderr.write(
        `No agent answers in ${dataDir}. Start it with: millrace-agent run --config ${values.config ?? '<file>'}\n`,
      )
      process.exitCode = 1
    },
  )
} else {
  await runService(log, positionals[0], {
    check() {
      for (const warning of checkAgent(load())) process.stdout.write(`warning: ${warning}\n`)
    },
    async run() {
      const config = load()
      const metrics = createMetrics()
      measureProcess(metrics, log)
      const clock = createSteadyClock(systemClock, (change) => log.warn('the wall clock was moved', { ...change }))
      const agent = await startAgent(config, openEngines(config, { clock, log, metrics }))
      const stopStatus = serveStatus(config.dataDir, agent.status, metrics)
      const endpoint = await serveMetricsEndpoint(config.metrics, { health: agent.status, metrics: () => metrics.expose() })
      const supervisor = tellSupervisor(process.env, { commits: agent.commits, clock, log })
      log.info('agent ready', { node: `${config.group}/${config.node}`, devices: config.devices.length })
      if (!config.uplink.receipts)
        log.warn('without receipts a batch is freed when it was sent: what the host misses is lost', { key: 'uplink.receipts' })
      return {
        async stop() {
          supervisor?.stopping()
          stopStatus()
          await endpoint?.close()
          await agent.stop()
        },
      }
    },
  })
}
