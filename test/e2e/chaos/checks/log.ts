/** Records of a topic, from its start to where its end is when the reading begins. */
import type { Api } from 'millrace'

export interface Entry {
  offset: number
  key: string
  timeMs: number
  source?: { log: string; partition: number; offset: number; index: number }
  record: Record<string, unknown>
}

export async function* readTopic(api: Api, topic: 'raw' | 'timeline' | 'rejected' | 'alarms'): AsyncGenerator<Entry> {
  let from = 0
  let end: number | undefined
  for (;;) {
    const page = await api.log(topic, 0, from)
    end ??= page.end
    for (const entry of page.records as Entry[]) {
      if (entry.offset >= end) return
      yield entry
      from = entry.offset + 1
    }
    if (page.records.length === 0) return
  }
}
