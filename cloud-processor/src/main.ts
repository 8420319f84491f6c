#!/usr/bin/env node
/** `millrace-processor run --config <file>` | `check --config <file>` */
import { parseArgs } from 'node:util'
import { createLog, createMetrics, loadConfig, runService, systemClock } from '@millrace/contract/service'
import { processorSchema } from './config.ts'
import { startProcessor } from './processor.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { config: { type: 'string' } } })
const lines = createLog('processor')

await runService(lines, positionals[0], {
  check: () => loadConfig(processorSchema, values.config, process.env),
  async run() {
    const config = loadConfig(processorSchema, values.config, process.env)
    const processor = await startProcessor(config, { clock: systemClock, lines, metrics: createMetrics() })
    lines.info('processor ready', { web: processor.webPort, host: config.bridge.host })
    return processor
  },
})
