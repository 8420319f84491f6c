/** One big value with its name and unit. A value that is not live says so and how old it is. */
import type { Channel } from '@millrace/contract'
import { countedOf, freshness, hueOf } from '../channels.ts'
import { ageText, briefText, channelText, reasonText, shortText, unitText, whenText } from '../format.ts'
import { link } from '../live/link.ts'
import { type Device, staleAfterMs } from '../live/model.ts'
import { nowSecond } from '../live/time.ts'

export function BigValue({ device, channel: own }: { device: Device; channel: Channel }) {
  const now = nowSecond.value
  const seenMs = device.view.value.lastSeenMs
  const { total, rate } = countedOf(device.view.value.channels, own)
  const channel = total && device.last.value.has(total.name) ? { ...own, name: total.name } : own
  const last = device.last.value.get(channel.name)
  const moment = { isLinkLive: link.value.state === 'live', nowMs: now, ageMsMax: staleAfterMs.value + 1000 }
  const fresh = freshness(device.view.value, channel, last, moment)
  const copies = new Map(Object.entries(device.view.value.lastKnown ?? {}))
  const known = fresh.kind === 'none' ? copies.get(channel.name) : undefined
  const value = fresh.kind === 'live' || fresh.kind === 'stale' ? fresh.last.v : known
  const shown = value === undefined ? '––' : briefText(value, channel)
  const speed = fresh.kind === 'live' && rate ? device.last.value.get(rate.name) : undefined
  const bad = fresh.kind === 'live' && fresh.last.q
  return (
    <div class={`value ${fresh.kind} hue-${hueOf(own)} size-${Math.min(9, Math.max(3, shown.length))}`}>
      <span class="value-name" title={channelText(own.name)}>
        {shortText(own.name)} <span class="value-unit">{unitText(channel.unit)}</span>
      </span>
      <span class="value-number">{shown}</span>
      <span class="value-note">
        {fresh.kind === 'stale' && `last ${ageText(now - fresh.last.t)} ago`}
        {fresh.kind === 'absent' && reasonText(fresh.absence.reason)}
        {known !== undefined && 'last known'}
        {fresh.kind === 'none' && known === undefined && (seenMs ? `last ${whenText(seenMs, now)}` : 'no reading yet')}
        {speed && `${briefText(speed.v, rate!)} ${unitText(rate!.unit)}`}
        {bad ? (fresh.last.q === 2 ? 'bad quality' : 'uncertain') : ''}
      </span>
    </div>
  )
}
