/** What became of an alarm: who did what, when and why. Asked for when somebody opens it. */
import type { AlarmRecord } from '@millrace/contract'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { whenText } from '../format.ts'
import { fetchChanges } from '../live/api.ts'
import { nowSecond } from '../live/time.ts'

export function AlarmChanges({ of, children }: { of: AlarmRecord; children: ComponentChildren }) {
  const [changes, setChanges] = useState<AlarmRecord[]>([])
  const [failed, setFailed] = useState('')
  const load = (event: Event) => {
    if (!(event.currentTarget as HTMLDetailsElement).open) return
    fetchChanges(of.id).then(setChanges, (error: Error) => setFailed(error.message))
  }
  return (
    <details class="dependents" onToggle={load}>
      <summary>History and more</summary>
      {failed && <p role="alert">{failed}</p>}
      <ol>
        {changes.map(({ change, atMs, actor, reason }, index) => (
          <li key={index}>
            {whenText(atMs, nowSecond.value)} {change.replaceAll('-', ' ')}
            {actor && ` by ${actor}`}
            {reason && `: ${reason}`}
          </li>
        ))}
      </ol>
      {children}
    </details>
  )
}
