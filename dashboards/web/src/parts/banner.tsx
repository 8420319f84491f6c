/** While the link is lost every value on the page is old, and the page says so. */
import { ageText, timeText } from '../format.ts'
import { link } from '../live/link.ts'
import { nowSecond } from '../live/time.ts'
import { Icon } from './icons.tsx'

export function Banner() {
  const state = link.value
  if (state.state !== 'lost') return null
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
