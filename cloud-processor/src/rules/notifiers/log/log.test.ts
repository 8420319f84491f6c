import { createLog, systemClock } from '@millrace/platform'
import { testNotifier } from '../conformance.ts'
import { log, logSchema } from './log.ts'

testNotifier(async () => {
  const lines: { key: string }[] = []
  const around = { target: 'log', clock: systemClock, log: createLog('test', (line) => lines.push(JSON.parse(line))) }
  return { notifier: log.create(logSchema.parse({ kind: 'log' }), around), keys: () => lines.map(({ key }) => key) }
})
