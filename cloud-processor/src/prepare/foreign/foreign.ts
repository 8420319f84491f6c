/** Data of a Sparkplug node that gives its messages no Millrace name. */
import { SparkplugError } from '@millrace/contract/sparkplug'
import { type Context, reject } from '../context.ts'
import { deliver } from '../direct.ts'
import type { SparkplugMessage } from '../message.ts'
import { messageKey, setReplayable } from '../replay/replayable.ts'
import { deviceOf } from '../state/nodes.ts'
import type { DeviceState } from '../state/state.ts'
import { type MetricKey, type Metrics, readMetrics } from './metrics.ts'
import { wantRebirth } from './rebirths.ts'

export function takeForeign(context: Context, message: SparkplugMessage): void {
  const { node, isReplay, isRetained } = message
  const key = messageKey(message)
  if (isReplay && !context.state.redo.has(key)) return
  const device = deviceOf(context.state, node, message.device)
  const metrics = read(context, message, device, key)
  if (!metrics) return
  const { part, historical, unknown } = metrics
  if (!isReplay && !isRetained) askForBirths(context, message, device, unknown)
  deliver(context, message, { node, key, parts: [part], broken: [], hist: historical || isRetained })
}

function read(context: Context, message: SparkplugMessage, device: DeviceState, key: string): Metrics | undefined {
  const { node } = message
  try {
    return readMetrics(message, device)
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    if (message.isReplay) return undefined
    setReplayable(context.state, key, 'all')
    reject(context, message, { reason: 'PREPARE_PAYLOAD', detail: error.message, lost: [0, 0], node, device: device.name })
    return undefined
  }
}

/**
 * A device without a birth, an alias or a name that none declared: the births may have been lost. Not for what the newest birth
 * declared and no channel can hold: that would ask again and again.
 */
function askForBirths({ state, config }: Context, message: SparkplugMessage, device: DeviceState, unknown: MetricKey[]): void {
  const { node, type } = message
  if (message.device !== '' && !device.online) return wantRebirth(state, node, `${type} of ${device.name} without its birth`)
  const { unusable } = device
  if (unusable && unusable.size >= config.limits.channelsPerDevice) return
  const missing = unknown.find((key) => !unusable?.has(key))
  if (missing === undefined) return
  const what = typeof missing === 'number' ? `alias ${missing}` : `"${missing.slice(0, 80)}"`
  wantRebirth(state, node, `${type} of ${device.name} has ${what}, which no birth declared`)
}
