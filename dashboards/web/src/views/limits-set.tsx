/** Limits that people set, with who, why and until when. */
import type { LimitsView, LimitView } from '@millrace/cloud-processor/web'
import { useEffect, useState } from 'preact/hooks'
import { whenText } from '../format.ts'
import { endLimit, fetchLimits } from '../live/limits.ts'
import { mayOperate, mayRegister, signedAs } from '../live/me.ts'
import { limitsTold } from '../live/model.ts'
import { nowSecond } from '../live/time.ts'
import { nameKey } from '../parts/fields.tsx'

export function LimitsSet() {
  const [view, setView] = useState<LimitsView | undefined>()
  useEffect(() => {
    fetchLimits().then(setView, () => setView(undefined))
  }, [limitsTold.value])
  const now = nowSecond.value
  const limits = view?.limits.filter(({ untilMs = Infinity }) => untilMs > now) ?? []
  if (limits.length === 0) return null
  return (
    <section aria-labelledby="limits-set">
      <h2 id="limits-set">Other limits</h2>
      <p class="soft">Set beside the rule file. Gateways that judge rules themselves go by the file all the same.</p>
      <ul class="alarm-list settled">
        {limits.map((one) => (
          <LimitRow key={one.id} limit={one} />
        ))}
      </ul>
    </section>
  )
}

function LimitRow({ limit }: { limit: LimitView }) {
  const { id, rule, keys, devices = [], subjects = [], groups = [], untilMs, by, reason } = limit
  const [failed, setFailed] = useState('')
  const mayEnd = untilMs === undefined ? mayRegister.value : mayOperate.value
  const end = () => {
    endLimit(id, signedAs.value ?? localStorage.getItem(nameKey) ?? 'page').catch((error: Error) => setFailed(error.message))
  }
  return (
    <li class="alarm-row">
      <span class="alarm-mark">{untilMs === undefined ? 'Permanent' : 'For a time'}</span>
      <div class="alarm-what">
        <strong>
          {rule}: {keysText(keys)}
        </strong>
        <p class="soft">
          <span>for {[...devices, ...subjects, ...groups].join(', ')}</span>
          {untilMs !== undefined && <span>until {whenText(untilMs, nowSecond.value)}</span>}
          <span>{by}</span>
          <span>{reason}</span>
          {failed && <span role="alert">{failed}</span>}
        </p>
      </div>
      {mayEnd && (
        <button type="button" class="quiet" onClick={end}>
          End
        </button>
      )}
    </li>
  )
}

const keysText = (keys: Record<string, number>) =>
  Object.entries(keys)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
