/** What a reader must know of the page itself: that its link is lost and every value old, or that it does not show everything. */
import { ageText, countText, timeText } from '../format.ts'
import { link } from '../live/link.ts'
import { leftOut } from '../live/model.ts'
import { nowSecond } from '../live/time.ts'
import { Icon } from './icons.tsx'

export function Banner() {
  const state = link.value
  if (state.state !== 'lost') return <LeftOutBanner />
  void nowSecond.value
  return (
    <div class="banner" role="alert">
      <Icon name="link" size={18} />
      <span>
        <b>Link lost since {timeText(state.sinceMs)}</b>
        <span aria-hidden="true"> ({ageText(Date.now() - state.sinceMs)})</span>. Values are as last received, not live. Trying
        again.
      </span>
    </div>
  )
}

function LeftOutBanner() {
  const left = leftOut.value
  if (!left) return null
  return (
    <div class="banner" role="status">
      <Icon name="pipeline" size={18} />
      <span>
        <b>Not everything is shown.</b>{' '}
        {left.devices > 0 && `More devices speak than web.devicesMax (${countText(left.devicesMax)}). `}
        {left.alarms > 0 && `More alarms are open than web.alarmsMax (${countText(left.alarmsMax)}). `}
        The store and the notifications have them all.
      </span>
    </div>
  )
}
