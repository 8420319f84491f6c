/** How many alarms a limit would have raised over the past, before it is set. */
import type { LimitTrial } from '@millrace/cloud-processor/web'
import { useEffect, useState } from 'preact/hooks'
import { type LimitOrder, tryLimit } from '../live/limits.ts'

const spans = [1, 8, 24, 72, 168]
/** After the last key that was typed. */
const settleMs = 500

type Order = Pick<LimitOrder, 'rule' | 'keys' | 'devices' | 'subjects' | 'groups'>

export function Trial({ order }: { order: Order }) {
  const [hours, setHours] = useState(24)
  const [found, setFound] = useState<LimitTrial | string | undefined>()
  const asked = JSON.stringify({ ...order, hours })
  const isReady = Object.keys(order.keys).length > 0 && Object.values(order.keys).every(Number.isFinite)
  useEffect(() => {
    setFound(undefined)
    if (!isReady) return
    let isOver = false
    const show = (one: LimitTrial | string) => {
      if (!isOver) setFound(one)
    }
    const timer = setTimeout(() => tryLimit(JSON.parse(asked)).then(show, (error: Error) => show(error.message)), settleMs)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [asked, isReady])
  return (
    <div class="limit-trial">
      <label>
        Try it over the last
        <select value={`${hours}`} onInput={(event) => setHours(Number(event.currentTarget.value))}>
          {spans.map((n) => (
            <option key={n} value={`${n}`}>
              {n < 48 ? `${n} h` : `${n / 24} days`}
            </option>
          ))}
        </select>
      </label>
      <p role="status">{isReady ? textOf(found) : 'Change a number to see what it would have raised.'}</p>
    </div>
  )
}

function textOf(found: LimitTrial | string | undefined): string {
  if (found === undefined) return 'Counting …'
  if (typeof found === 'string') return found
  const { now, tried, fromMs, toMs, readings } = found
  const hours = Math.round((toMs - fromMs) / 360_000) / 10
  return `${tried.perDay} alarms a day instead of ${now.perDay} (${tried.alarms} instead of ${now.alarms} in ${hours} h, ${readings} readings)`
}
