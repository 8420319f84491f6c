import { createLog, systemClock } from '@millrace/platform'
import { testNotifier } from '../conformance.ts'
import { log } from './log.ts'

testNotifier(log, {}, async () => {
  const lines: { key: string }[] = []
  const context = { target: 'log', clock: systemClock, log: createLog('test', (line) => lines.push(JSON.parse(line))) }
  return { notifier: log.create(log.schema.parse({ kind: 'log' }), context), keys: () => lines.map(({ key }) => key) }
})
