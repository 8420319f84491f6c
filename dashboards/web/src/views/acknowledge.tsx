/** What a person orders about an alarm, by whom and why. The name is remembered in this browser. */
import type { AlarmRecord } from '@millrace/contract'
import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type AlarmOrder, orderAlarm } from '../live/api.ts'
import { signedAs } from '../live/me.ts'
import { serverNow } from '../live/time.ts'
import { Buttons, Failure, type FieldParts, Note, nameKey, Signature } from '../parts/fields.tsx'

export const asked = signal<{ alarm: AlarmRecord; order: AlarmOrder } | undefined>(undefined)

const titles = {
  acknowledge: 'Acknowledge',
  comment: 'Comment',
  shelve: 'Shelve',
  unshelve: 'Unshelve',
  'out-of-service': 'Out of service',
  'in-service': 'Put back',
  'end-silence': 'End the silence',
  reset: 'Reset',
}
const minutes = [10, 30, 60, 240, 480]

export function AcknowledgeDialog({ only }: { only?: string }) {
  const about = asked.value
  if (!about || (only !== undefined && only !== about.alarm.id)) return null
  return <Dialog key={`${about.order} ${about.alarm.id}`} {...about} />
}

function Dialog({ alarm, order }: { alarm: AlarmRecord; order: AlarmOrder }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const account = signedAs.value
  const [by, setBy] = useState(account ?? localStorage.getItem(nameKey) ?? '')
  const [note, setNote] = useState('')
  const [forMin, setForMin] = useState('30')
  const [failed, setFailed] = useState('')
  const [busy, setBusy] = useState(false)
  useEffect(() => dialog.current!.showModal(), [])
  const isHeldBack = order === 'shelve' || order === 'out-of-service'
  const needsNote = order === 'comment' || (isHeldBack && alarm.priority === 'high')

  const send = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      if (account === undefined) localStorage.setItem(nameKey, by.trim())
      const untilMs = order === 'shelve' && forMin !== 'once' ? Math.round(serverNow()) + Number(forMin) * 60_000 : undefined
      await orderAlarm(order, { alarm: alarm.id, by: by.trim(), said: note.trim(), untilMs })
      dialog.current!.close()
    } catch (error) {
      setFailed((error as Error).message)
      setBusy(false)
    }
  }

  const close = () => {
    asked.value = undefined
  }
  const isReady = !busy && by.trim() !== '' && !(needsNote && note.trim() === '')
  return (
    <dialog ref={dialog} aria-labelledby="acknowledge-title" onClose={close}>
      <form method="dialog" onSubmit={send}>
        <h2 id="acknowledge-title">{titles[order]}</h2>
        <p>
          {alarm.subject}: {alarm.text}
        </p>
        {order === 'shelve' && <Duration value={forMin} set={setForMin} />}
        {account === undefined && <Signature value={by} set={setBy} />}
        <Note
          label={order === 'acknowledge' || order === 'comment' ? 'Note' : 'Reason'}
          isNeeded={needsNote}
          value={note}
          set={setNote}
        />
        <Failure text={failed} />
        <Buttons title={titles[order]} isReady={isReady} cancel={() => dialog.current!.close()} />
      </form>
    </dialog>
  )
}

function Duration({ value, set }: FieldParts) {
  return (
    <label>
      Nobody is called
      <select value={value} onInput={(event) => set(event.currentTarget.value)}>
        {minutes.map((n) => (
          <option key={n} value={`${n}`}>
            {n < 60 ? `for ${n} minutes` : `for ${n / 60} h`}
          </option>
        ))}
        <option value="once">until it clears</option>
      </select>
    </label>
  )
}
