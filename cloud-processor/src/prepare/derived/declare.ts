/** What is declared of a device: its own channels, and what is derived of them. */
import { type Context, toTimeline } from '../context.ts'
import { newest } from '../state/nodes.ts'
import type { DeviceState } from '../state/state.ts'
import { forgetSeries, seriesOf } from './series.ts'

export function declare(context: Context, node: string, device: DeviceState): void {
  const { state, config } = context
  const { name } = device
  forgetSeries(state, name)
  const derived = seriesOf(state, config, node, name).flatMap(({ channels }) => channels)
  toTimeline(context, { f: 1, k: 'declaration', subject: name, device: name, node, channels: [...newest(device), ...derived] })
}
