#!/usr/bin/env node
/** `millrace-processor run --config <file> [--stages bridge,prepare]` | `check --config <file>` | `setup --config <file>` */
import { parseArgs } from 'node:util'
import {
  checkConfig,
  createLog,
  createMetrics,
  createSteadyClock,
  loadConfig,
  measureProcess,
  runService,
  systemClock,
} from '@millrace/platform'
import { processorSchema } from './config.ts'
import { setUp } from './engines.ts'
import { startProcessor } from './processor.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { config: { type: 'string' }, stages: { type: 'string' } },
})
const lines = createLog('processor')
const read = () => {
  const config = loadConfig(processorSchema, values.config, process.env)
  return values.stages === undefined
    ? config
    : checkConfig(processorSchema, { ...config, stages: values.stages.split(',') }, '--stages')
}

await runService(lines, positionals[0], {
  check: read,
  setup: () =>
    setUp(read(), { clock: systemClock, lines, metrics: createMetrics() }, (text) => process.stdout.write(`${text}\n`)),
  async run() {
    const config = read()
    const metrics = createMetrics()
    measureProcess(metrics, lines)
    const clock = createSteadyClock(systemClock, (change) => lines.warn('the wall clock was moved', { ...change }))
    const processor = await startProcessor(config, { clock, lines, metrics })
    lines.info('processor ready', { web: processor.webPort, host: config.bridge.host, stages: config.stages })
    return processor
  },
})
