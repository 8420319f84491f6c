/** A message by which a person tries a receiver. It is about no device, and nothing of it is kept. */
import type { AlarmRecord } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { NotifierConfig } from './config.ts'
import { createNotifier } from './notifiers/index.ts'
import type { NotifierContext } from './notifiers/notifier.ts'

export interface TestOutcome {
  receiver: string
  isTaken: boolean
  tookMs: number
  error?: string
}

/** @throws MillraceError NOTIFY_UNKNOWN where no receiver has this name */
export async function testReceiver(
  { to, pageUrl, timeoutMs }: NotifierConfig,
  receiver: string,
  context: Pick<NotifierContext, 'clock' | 'log'>,
): Promise<TestOutcome> {
  const config = to.find(({ name }) => name === receiver)
  if (!config)
    throw new MillraceError('NOTIFY_UNKNOWN', { target: receiver, known: to.map(({ name }) => name).join(', ') || 'none' })
  const notifier = createNotifier(config, { ...context, target: receiver, pageUrl })
  const { clock } = context
  const fromMs = clock.monotonic()
  const alarm = testAlarm(clock.now())
  const notification = { f: 1, k: 'notification', key: `${alarm.id}#raised`, alarm } as const
  const error = await notifier.send(notification, AbortSignal.timeout(timeoutMs)).then(
    () => undefined,
    (cause) => (cause instanceof Error ? cause.message : `${cause}`),
  )
  const tookMs = Math.round(clock.monotonic() - fromMs)
  return { receiver, isTaken: error === undefined, tookMs, ...(error === undefined ? {} : { error }) }
}

function testAlarm(atMs: number): AlarmRecord {
  return {
    ...({ f: 1, k: 'alarm', id: `test/millrace/notify/${atMs}`, rule: 'test', change: 'raised', priority: 'low' } as const),
    ...{ subject: 'millrace', device: 'millrace', channel: 'notify', active: true, acknowledged: false, retrospective: false },
    ...{ technical: true, atMs, raisedMs: atMs, text: 'This is a test message; nobody has to do anything' },
  }
}
