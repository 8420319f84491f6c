/** Who has seen an alarm, and what they want to say about it. The name is remembered in this browser. */
import type { AlarmRecord } from '@millrace/contract'
import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { acknowledge } from '../live/api.ts'

export const asked = signal<AlarmRecord | undefined>(undefined)
const nameKey = 'millrace-name'

export function AcknowledgeDialog({ only }: { only?: string }) {
  const alarm = asked.value
  if (!alarm || (only !== undefined && only !== alarm.id)) return null
  return <Dialog key={alarm.id} alarm={alarm} />
}

function Dialog({ alarm }: { alarm: AlarmRecord }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [by, setBy] = useState(localStorage.getItem(nameKey) ?? '')
  const [note, setNote] = useState('')
  const [failed, setFailed] = useState('')
  const [busy, setBusy] = useState(false)
  useEffect(() => dialog.current!.showModal(), [])

  const send = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      localStorage.setItem(nameKey, by.trim())
      await acknowledge(alarm.id, by.trim(), note.trim())
      dialog.current!.close()
    } catch (error) {
      setFailed((error as Error).message)
      setBusy(false)
    }
  }

  const close = () => {
    asked.value = undefined
  }
  return (
    <dialog ref={dialog} aria-labelledby="acknowledge-title" onClose={close}>
      <form method="dialog" onSubmit={send}>
        <h2 id="acknowledge-title">Acknowledge</h2>
        <p>
          {alarm.subject}: {alarm.text}
        </p>
        <label>
          Your name
          <input required maxLength={100} autoComplete="name" value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        </label>
        <label>
          <span>
            Note <span class="soft">(optional)</span>
          </span>
          <textarea rows={2} maxLength={1000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        {failed && (
          <p class="wants" role="alert">
            {failed}
          </p>
        )}
        <Buttons isReady={!busy && by.trim() !== ''} cancel={() => dialog.current!.close()} />
      </form>
    </dialog>
  )
}

function Buttons({ isReady, cancel }: { isReady: boolean; cancel: () => void }) {
  return (
    <div class="dialog-end">
      <button type="button" class="quiet" onClick={cancel}>
        Cancel
      </button>
      <button type="submit" class="main" disabled={!isReady}>
        Acknowledge
      </button>
    </div>
  )
}
