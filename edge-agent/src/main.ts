#!/usr/bin/env node
/** `millrace-agent run | check | status | doctor | setup | enrol | try | record | spool list, export, drop --config <file>` */
import { writeSync } from 'node:fs'
import { createLog, loadConfig, MillraceError, ownValue, readArguments, runService, systemClock } from '@millrace/platform'
import { enrolAgain, keep, lookAt, printDiagnosis, printStatus, setUp } from './commands.ts'
import { agentSchema } from './config.ts'
import { checkAgent } from './engines.ts'
import { startGateway } from './gateway.ts'
import { effectiveText, loadAgentConfig } from './remote/index.ts'
import { spool, spoolWords } from './spool/spool.ts'
import { tellSupervisor } from './supervisor.ts'

const usage = {
  call: 'millrace-agent',
  words: [
    'run',
    'check',
    'status',
    'doctor',
    'setup',
    'enrol --broker <token>',
    'try [device]',
    'record <device>',
    ...spoolWords,
  ],
  purpose: `run starts the agent. check tests the configuration. status asks the agent that runs.
doctor says what keeps readings from arriving, from the device to the receipt, and what to do.
setup asks three questions and writes a configuration; --broker (a URL or a token), --node and --device answer them.
enrol gets a new certificate by a token of \`millrace ca token\`, for the configuration that is there.
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
/** As an agent that is started now would run. */
const load = () => loadAgentConfig(values.config, process.env, effectiveText(values.config, process.env))
const given = { ...values, refuse }
const asked: Record<string, () => Promise<number>> = {
  status: () => printStatus(load(), values.config),
  doctor: () => printDiagnosis(load, values.json),
  setup: () => setUp(values, values.config),
  enrol: () => enrolAgain(values.broker ?? refuse('--broker is missing: the token'), load()),
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
      const gateway = await startGateway(values.config, { log, env: process.env })
      const { config, commits } = gateway
      const supervisor = tellSupervisor(process.env, { commits, clock: systemClock, log })
      log.info('agent ready', { node: `${config.group}/${config.node}`, devices: config.devices.length })
      if (!config.uplink.receipts)
        log.warn('without receipts a batch is freed when it was sent: what the host misses is lost', { key: 'uplink.receipts' })
      return {
        failed: gateway.failed,
        async stop() {
          supervisor?.stopping()
          await gateway.stop()
        },
      }
    },
  })
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
