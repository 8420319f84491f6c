/** The contract of a notifier as a test suite; every plug-in runs it against its real receiver. */
import type { AlarmRecord, NotificationRecord } from '@millrace/contract'
import { expect, test } from 'vitest'
import { notifiers, targetSchema } from './index.ts'
import type { Notifier, NotifierPlugin, TargetConfig } from './notifier.ts'

export interface Receiver {
  notifier: Notifier
  /** Keys that arrived, in order. */
  keys(): string[]
}

/** An alarm as the rules make it. */
export function exampleAlarm(more: Partial<AlarmRecord> = {}): AlarmRecord {
  const raisedMs = 1_700_000_000_000
  return {
    f: 1,
    k: 'alarm',
    id: `spo2-low/bed-1/spo2/${raisedMs}`,
    rule: 'spo2-low',
    subject: 'anna',
    device: 'bed-1',
    channel: 'spo2',
    priority: 'high',
    change: 'raised',
    active: true,
    acknowledged: false,
    retrospective: false,
    technical: false,
    atMs: raisedMs,
    raisedMs,
    value: 84,
    unit: '%',
    text: 'spo2 84 % below 88 % for 5 s',
    ...more,
  }
}

export function exampleNotification(more: Partial<AlarmRecord> = {}): NotificationRecord {
  const alarm = exampleAlarm(more)
  return { f: 1, k: 'notification', key: `${alarm.id}#${alarm.change}`, alarm }
}

/** @param config of one, without a name. */
export function testNotifier<Config extends TargetConfig>(
  plugin: NotifierPlugin<Config>,
  config: object,
  open: () => Promise<Receiver>,
): void {
  test('is in the list under its kind, has a name, and knows its keys', () => {
    expect(notifiers).toContain(plugin)
    const given = { kind: plugin.kind, ...config }
    expect(targetSchema.parse(given)).toMatchObject({ ...given, name: expect.stringMatching(/.+/) })
    expect(targetSchema.safeParse({ ...given, colour: 1 }).success).toBe(false)
  })

  test('the receiver gets each notification with its key, and a repeat with the same one', async () => {
    const { notifier, keys } = await open()
    const signal = new AbortController().signal
    await notifier.send(exampleNotification(), signal)
    await notifier.send(exampleNotification(), signal)
    await notifier.send(exampleNotification({ change: 'cleared', active: false }), signal)
    const id = exampleAlarm().id
    expect(keys()).toEqual([`${id}#raised`, `${id}#raised`, `${id}#cleared`])
  })

  test('it gives up when it is told to', async () => {
    const { notifier, keys } = await open()
    await expect(notifier.send(exampleNotification(), AbortSignal.abort())).rejects.toThrow()
    expect(keys()).toEqual([])
  })
}
