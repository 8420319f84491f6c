#!/usr/bin/env node
/** `millrace-processor run --config <file> [--stages bridge,prepare]` | `check --config <file>` | `setup --config <file>` */
import {
  checkConfig,
  createLog,
  createMetrics,
  createSteadyClock,
  loadConfig,
  measureProcess,
  readArguments,
  runService,
  systemClock,
} from '@millrace/platform'
import { processorSchema } from './config.ts'
import { openEngines, setUp } from './engines/index.ts'
import { startProcessor } from './processor.ts'

const usage = {
  call: 'millrace-processor',
  words: ['run', 'check', 'setup'],
  purpose: `run starts the processor. check tests the configuration. setup creates topics, buckets and templates in the engines.
--config names the file, YAML; docs/reference/configuration.md has its keys. --stages names a part of the stages: bridge,prepare`,
}
const { values, positionals } = readArguments(usage, { config: { type: 'string' }, stages: { type: 'string' } })
const logger = createLog('processor')
const read = () => {
  const config = loadConfig(processorSchema, values.config, process.env)
  return values.stages === undefined
    ? config
    : checkConfig(processorSchema, { ...config, stages: values.stages.split(',') }, '--stages')
}

await runService(logger, positionals[0], {
  check: read,
  setup: () =>
    setUp(read(), { clock: systemClock, logger, metrics: createMetrics() }, (text) => process.stdout.write(`${text}\n`)),
  async run() {
    const config = read()
    const metrics = createMetrics()
    measureProcess(metrics, logger)
    const clock = createSteadyClock(systemClock, (change) => logger.warn('the wall clock was moved', { ...change }))
    const processor = await startProcessor(config, await openEngines(config, { clock, logger, metrics }))
    logger.info('processor ready', { web: processor.webPort, host: config.bridge.host, stages: config.stages })
    return processor
  },
})
