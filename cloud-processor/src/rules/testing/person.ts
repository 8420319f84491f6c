/** A person who is notified by webhook, and a notifier that notifies several of them. */
import { startReceiver } from '../notifiers/testing/receiver.ts'
import type { logForEachTest } from './notifier.ts'

interface Alert {
  status: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

type Made = Pick<ReturnType<typeof logForEachTest>, 'closing' | 'start'>

export async function person({ closing }: Made) {
  const messages: { atMs: number; alerts: Alert[]; truncatedAlerts: number }[] = []
  const server = await startReceiver(({ body }, response) => {
    messages.push({ atMs: Date.now(), ...body })
    response.end()
  })
  closing.push(server.close)
  const told = () => messages.flatMap(({ alerts }) => alerts.map(({ status, annotations }) => `${status} ${annotations.alarm}`))
  return { url: server.url, messages, told, keys: server.keys }
}

export function notifierTo({ start }: Made, to: Record<string, { url: string }>, more: object) {
  return start({ to: Object.entries(to).map(([name, { url }]) => ({ kind: 'webhook', name, url })), ...more })
}
