/** Data of a Sparkplug node that gives its messages no Millrace name. */
import { decodeBatch, SparkplugError } from '@millrace/contract/sparkplug'
import { type Context, reject } from '../context.ts'
import { type Delivery, deliver } from '../direct.ts'
import type { SparkplugMessage } from '../message.ts'
import { byAlias, describe } from '../rejections/problems.ts'
import { messageKey, setReplayable } from '../replay/replayable.ts'
import { deviceOf } from '../state/nodes.ts'
import type { DeviceState } from '../state/state.ts'

export function takeForeign(context: Context, message: SparkplugMessage): void {
  const key = messageKey(message)
  if (message.isReplay && !context.state.redo.has(key)) return
  const device = deviceOf(context.state, message.node, message.device)
  const delivery = decode(context, message, device, key)
  if (delivery) deliver(context, message, delivery)
}

function decode(context: Context, message: SparkplugMessage, device: DeviceState, key: string): Delivery | undefined {
  const { node } = message
  const { name, channels } = device
  try {
    const { columns, problems, historical } = decodeBatch(message.payload, (alias) => channels.get(alias))
    const part = { device: name, columns, found: problems.map(describe), identitiesOf: byAlias(channels) }
    return { node, key, parts: [part], broken: [], hist: historical || message.isRetained }
  } catch (error) {
    if (!(error instanceof SparkplugError)) throw error
    if (message.isReplay) return undefined
    setReplayable(context.state, key, 'all')
    reject(context, message, { reason: 'PREPARE_PAYLOAD', detail: error.message, lost: [0, 0], node, device: name })
    return undefined
  }
}
