/** The life ends at the alarms topic; this is what a notifier adds to it when its receiver took the notification. */
import { type AlarmTopicRecord, decodeJson, encodeJson, topics } from '@millrace/contract'
import type { Output } from './stages.ts'

export function settled({ topic, key, value }: Output): Output[] {
  const record: AlarmTopicRecord | { k: '' } = topic === topics.alarms ? decodeJson(value) : { k: '' }
  if (record.k !== 'notification') return []
  const said = { f: 1, k: 'settled', key: record.key, target: 'ward', state: 'sent', atMs: record.alarm.atMs } as const
  return [{ topic, key, value: encodeJson(said) }]
}
