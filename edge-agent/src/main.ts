#!/usr/bin/env node
/** `millrace-agent run | check | status | doctor | setup | try | record | spool list, export, drop --config <file>` */
import { writeSync } from 'node:fs'
import {
  createLog,
  createMetrics,
  createSteadyClock,
  loadConfig,
  MillraceError,
  measureProcess,
  ownValue,
  readArguments,
  runService,
  serveMetricsEndpoint,
  systemClock,
} from '@millrace/platform'
import { type Agent, startAgent } from './agent.ts'
import { keep, lookAt, printDiagnosis, printStatus, setUp } from './commands.ts'
import { agentSchema } from './config.ts'
import { checkAgent, openEngines } from './engines.ts'
import { pageOf } from './rules/index.ts'
import { spool, spoolWords } from './spool/spool.ts'
import { serveStatus } from './status.ts'
import { tellSupervisor } from './supervisor.ts'
import type { UplinkStatus } from './uplink/index.ts'

const usage = {
  call: 'millrace-agent',
  words: ['run', 'check', 'status', 'doctor', 'setup', 'try [device]', 'record <device>', ...spoolWords],
  purpose: `run starts the agent. check tests the configuration. status asks the agent that runs.
doctor says what keeps readings from arriving, from the device to the receipt, and what to do.
setup asks three questions and writes a configuration; --broker (a URL or a token), --node and --device answer them.
try reads a device for --seconds, or a file --capture, and says what its decoder makes of it and why frames fail; without a device,
what the bytes of the file may be. record writes what a device sends to the file --to. Stop an agent that holds the port first.
spool shows and removes what its outbox holds while it is stopped; spool list --help has its options.
--config names the file, YAML; docs/reference/configuration.md has its keys.`,
}
const options = {
  config: { type: 'string' },
  json: { type: 'boolean', default: false },
  broker: { type: 'string' },
  node: { type: 'string' },
  device: { type: 'string', multiple: true },
  capture: { type: 'string' },
  seconds: { type: 'string', default: '10' },
  to: { type: 'string' },
} as const
if (process.argv[2] === 'spool') await runSpool()
const { values, positionals, refuse } = readArguments(usage, options)
const log = createLog('agent')
const load = () => loadConfig(agentSchema, values.config, process.env)
const given = { ...values, refuse }
const asked: Record<string, () => Promise<number>> = {
  status: () => printStatus(load(), values.config),
  doctor: () => printDiagnosis(load, values.json),
  setup: () => setUp(values, values.config),
  try: () => lookAt(positionals[1], load, given),
  record: () => keep(positionals[1]!, load, given),
}

const ask = ownValue(asked, positionals[0]!)
if (ask) {
  process.exitCode = await ask().catch((error) => {
    process.stderr.write(`${error instanceof MillraceError ? error.message : error.stack}\n`)
    return 2
  })
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
      const endpoint = await serveMetricsEndpoint(config.metrics, {
        health: agent.status,
        metrics: () => metrics.expose(),
        page: agent.rules && (() => localPage(agent, clock.now())),
      })
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

function localPage({ status, rules }: Agent, nowMs: number): string {
  const { node, uplink } = status()
  const { connected: isConnected } = uplink as UplinkStatus
  return pageOf({ node, nowMs, isConnected, active: rules!.active(), newest: rules!.newest.list() })
}

async function runSpool(): Promise<never> {
  const dataDirOf = (file?: string) => loadConfig(agentSchema, file, process.env).dataDir
  try {
    await spool(dataDirOf, (text) => writeSync(1, text))
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${error instanceof MillraceError ? error.message : (error as Error).stack}\n`)
    process.exit(1)
  }
}
