/** What a device sends for a while, as `millrace-agent record` keeps it, while the agent goes on reading it. */
import type { OrderAnswer } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import type { AgentConfig } from '../config.ts'
import type { Device } from '../device.ts'

/** Its report has to pass the packet limits of brokers. */
const bytesMax = 192 * 1024

export interface CaptureContext {
  devices: readonly Device[]
  config: AgentConfig
  clock: Clock
}

export async function capture(
  id: string | undefined,
  seconds: number,
  context: CaptureContext,
): Promise<Omit<OrderAnswer, 'id'>> {
  const { devices, config, clock } = context
  const device = devices.find((one) => one.id === id)
  const known = config.devices.find((one) => one.id === id)
  if (!device?.tap || !known) {
    const ids = config.devices.map((one) => one.id).join(', ') || 'none'
    return { state: 'refused', detail: `there is no device ${id} on a bus here; there are: ${ids}` }
  }
  const startMs = clock.now()
  const head = { k: 'capture', version: 1, device: id, decoder: known.decoder, startMs }
  const { text, isCut } = await collect(device, head, { clock, seconds })
  return { state: 'done', data: text, ...(isCut ? { detail: `cut at ${bytesMax} bytes` } : {}) }
}

type During = Pick<CaptureContext, 'clock'> & { seconds: number }

function collect(
  device: Device,
  head: { startMs: number },
  { clock, seconds }: During,
): Promise<{ text: string; isCut: boolean }> {
  const { promise, resolve } = Promise.withResolvers<{ text: string; isCut: boolean }>()
  const lines = [JSON.stringify(head)]
  let bytes = lines[0]!.length
  const end = (isCut: boolean) => {
    cancel()
    device.tap!(undefined)
    resolve({ text: `${lines.join('\n')}\n`, isCut })
  }
  const cancel = clock.after(seconds * 1000, () => end(false))
  const put = (atMs: number, entry: object) => {
    const line = JSON.stringify({ ms: Math.max(0, atMs - head.startMs), ...entry })
    bytes += line.length + 1
    if (bytes > bytesMax) return end(true)
    lines.push(line)
  }
  const hex = (chunk: Uint8Array) => Buffer.from(chunk).toString('hex')
  device.tap!({
    bytes: (chunk, atMs) => put(atMs, { hex: hex(chunk) }),
    sent: (chunk, atMs) => put(atMs, { sent: hex(chunk) }),
    opened: (atMs) => put(atMs, { event: 'opened' }),
    lost: (atMs, reason) => put(atMs, { event: 'lost', reason }),
  })
  return promise
}
