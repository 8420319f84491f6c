/** The contract of a local notifier as a test suite; every plug-in runs it against its real receiver. */
import type { AlarmRecord } from '@millrace/contract'
import { expect, test } from 'vitest'
import { localNotifiers, receiverSchema } from './index.ts'
import type { LocalNotifier, LocalNotifierPlugin, Message, ReceiverConfig } from './notifier.ts'

export interface Receiver {
  notifier: LocalNotifier
  /** How many changes arrived so far. */
  received(): number
}

export function exampleMessage(more: Partial<AlarmRecord> = {}): Message {
  const raisedMs = 1_700_000_000_000
  const alarm: AlarmRecord = {
    ...({ f: 1, k: 'alarm', change: 'raised', active: true, acknowledged: false, retrospective: false } as const),
    id: `spo2-low/bed-1/spo2/${raisedMs}`,
    ...{ rule: 'spo2-low', subject: 'bed-1', device: 'bed-1', channel: 'spo2', priority: 'high', technical: false },
    ...{ atMs: raisedMs, raisedMs, value: 84, unit: '%', text: 'spo2 84 % below 88 % for 5 s' },
    ...more,
  }
  return { key: `${alarm.id}#${alarm.change}`, alarm }
}

/** @param config of one, without a name. */
export function testLocalNotifier<Config extends ReceiverConfig>(
  plugin: LocalNotifierPlugin<Config>,
  config: object,
  open: () => Promise<Receiver>,
): void {
  test('is in the list under its kind, has a name, and knows its keys', () => {
    expect(localNotifiers).toContain(plugin)
    const given = { kind: plugin.kind, ...config }
    expect(receiverSchema.parse(given)).toMatchObject({ ...given, name: expect.stringMatching(/.+/) })
    expect(receiverSchema.safeParse({ ...given, colour: 1 }).success).toBe(false)
  })

  test('the receiver gets each change', async () => {
    const { notifier, received } = await open()
    const { signal } = new AbortController()
    await notifier.send(exampleMessage(), 1, signal)
    expect(received()).toBe(1)
    await notifier.send(exampleMessage({ change: 'cleared', active: false }), 0, signal)
    expect(received()).toBe(2)
  })

  test('it gives up when it is told to', async () => {
    const { notifier, received } = await open()
    await expect(notifier.send(exampleMessage(), 1, AbortSignal.abort())).rejects.toThrow()
    expect(received()).toBe(0)
  })
}
