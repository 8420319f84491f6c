/** What a page that is open would show of one device: readings by their time, and alarms; the events are those of `/api/live`. */
import type { AlarmRecord } from '@millrace/contract'

export interface Page {
  /** Times of the readings shown while the device was on the page, with how long each took. */
  shown: Map<number, number>
  /** When each alarm of the device was shown as raised, by its id. */
  raised: Map<string, number>
  isDeviceShown(): boolean
  isAlarmShown(id: string): boolean
  /** Devices and alarms on it. */
  size(): { devices: number; alarms: number }
  close(): void
}

type Values = { device: string; channels: Record<string, { t: number[] }> }

export async function openPage(url: string, device: string): Promise<Page> {
  const abort = new AbortController()
  const devices = new Set<string>()
  const alarms = new Set<string>()
  const shown = new Map<number, number>()
  const raised = new Map<string, number>()
  const takes: Record<string, (data: never) => void> = {
    hello(data: { fleet: { device: string }[]; alarms: AlarmRecord[] }) {
      devices.clear()
      alarms.clear()
      for (const one of data.fleet) devices.add(one.device)
      for (const { id } of data.alarms) alarms.add(id)
    },
    state: (data: { device: string }) => devices.add(data.device),
    alarm(alarm: AlarmRecord) {
      alarms.add(alarm.id)
      if (alarm.device === device && alarm.change === 'raised') raised.set(alarm.id, Date.now())
    },
    left(data: { devices: string[]; alarms: string[] }) {
      for (const name of data.devices) devices.delete(name)
      for (const id of data.alarms) alarms.delete(id)
    },
    values(data: Values) {
      if (data.device !== device || !devices.has(device)) return
      for (const { t } of Object.values(data.channels)) for (const at of t) shown.set(at, Date.now() - at)
    },
  }
  const answer = await fetch(new URL('/api/live?waves=', url), { signal: abort.signal })
  void follow(answer, takes).catch(() => {})
  return {
    shown,
    raised,
    isDeviceShown: () => devices.has(device),
    isAlarmShown: (id) => alarms.has(id),
    size: () => ({ devices: devices.size, alarms: alarms.size }),
    close: () => abort.abort(),
  }
}

async function follow(answer: Response, takes: Record<string, (data: never) => void>): Promise<void> {
  let text = ''
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n')
    text = events.pop()!
    for (const one of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(one) ?? []
      if (name !== undefined && Object.hasOwn(takes, name)) takes[name]!(JSON.parse(data!) as never)
    }
  }
}
