/** A plain MQTT device without a clock: it publishes a few retained messages, and nobody ever hears of it again. */
import mqtt from 'mqtt'

export interface RetainedSensor {
  url: string
  topic: string
  username?: string
  password?: string
}

/** The last value, of which the broker keeps a copy. */
export const lastRetained = 5
const everyMs = 300

/** Resolves when the broker acknowledged the last one. */
export async function publishAndDie({ url, topic, ...account }: RetainedSensor, signal?: AbortSignal): Promise<void> {
  const client = mqtt.connect(url, { ...account, reconnectPeriod: everyMs })
  client.on('error', () => {})
  signal?.addEventListener('abort', () => client.end(true), { once: true })
  for (let n = 1; n <= lastRetained; n++) {
    await client.publishAsync(topic, JSON.stringify({ v: n }), { qos: 1, retain: true })
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  await client.endAsync()
}
