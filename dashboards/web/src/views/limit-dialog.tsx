/** Another limit for what an alarm is about: how much, for whom, until when and why. */
import type { LimitsView } from '@millrace/cloud-processor/web'
import type { AlarmRecord } from '@millrace/contract'
import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { changedKeys, fetchLimits, type LimitOrder, setLimit } from '../live/limits.ts'
import { mayRegister, signedAs } from '../live/me.ts'
import { serverNow } from '../live/time.ts'
import { Buttons, Failure, Note, nameKey, Signature } from '../parts/fields.tsx'
import { Trial } from './limit-trial.tsx'

const asked = signal<AlarmRecord | undefined>(undefined)
const hours = [1, 4, 8, 24, 72]
const hourMs = 3_600_000

export function askForLimit(alarm: AlarmRecord): void {
  asked.value = alarm
}

export function LimitDialog({ only }: { only?: string }) {
  const alarm = asked.value
  const [view, setView] = useState<LimitsView | undefined>()
  useEffect(() => {
    if (alarm) fetchLimits().then(setView, () => setView(undefined))
  }, [alarm])
  if (!alarm || !view || (only !== undefined && only !== alarm.id)) return null
  return <Dialog key={alarm.id} alarm={alarm} view={view} />
}

type Whom = 'device' | 'subject' | `group ${string}`

function Dialog({ alarm, view }: { alarm: AlarmRecord; view: LimitsView }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const rule = view.rules.find((one) => one.rule === alarm.rule)
  const account = signedAs.value
  const [by, setBy] = useState(account ?? localStorage.getItem(nameKey) ?? '')
  const [reason, setReason] = useState('')
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map())
  const [whom, setWhom] = useState<Whom>('device')
  const [forHours, setForHours] = useState('1')
  const [failed, setFailed] = useState('')
  useEffect(() => dialog.current!.showModal(), [])
  const keys = rule ? changedKeys(rule, texts) : {}

  const send = async (event: Event) => {
    event.preventDefault()
    if (account === undefined) localStorage.setItem(nameKey, by.trim())
    const untilMs = forHours === 'permanent' ? {} : { untilMs: Math.round(serverNow()) + Number(forHours) * hourMs }
    const order: LimitOrder = { rule: alarm.rule, keys, by: by.trim(), reason: reason.trim(), ...whomOf(whom, alarm), ...untilMs }
    await setLimit(order).then(
      () => dialog.current!.close(),
      (error: Error) => setFailed(error.message),
    )
  }
  const close = () => {
    asked.value = undefined
  }
  const isReady =
    Object.keys(keys).length > 0 && Object.values(keys).every(Number.isFinite) && by.trim() !== '' && reason.trim() !== ''
  return (
    <dialog ref={dialog} aria-labelledby="limit-title" onClose={close}>
      <form method="dialog" onSubmit={send}>
        <h2 id="limit-title">Change limit</h2>
        <p>
          {alarm.rule} of {alarm.channel}
        </p>
        {rule ? (
          <>
            <Numbers keys={rule.keys} texts={texts} set={setTexts} />
            <WhomField alarm={alarm} value={whom} set={setWhom} />
            <Trial order={{ rule: alarm.rule, keys, ...whomOf(whom, alarm) }} />
            <UntilField msMax={view.msMax} value={forHours} set={setForHours} />
            {account === undefined && <Signature value={by} set={setBy} />}
            <Note label="Reason" isNeeded value={reason} set={setReason} />
          </>
        ) : (
          <p class="soft">This alarm has no limit that can be changed here.</p>
        )}
        {alarm.edge && <p class="soft">Gateway {alarm.edge.node} judges this rule too, and goes on by its own file.</p>}
        <Failure text={failed} />
        <Buttons title="Change limit" isReady={isReady} cancel={() => dialog.current!.close()} />
      </form>
    </dialog>
  )
}

function whomOf(whom: Whom, { device, subject }: AlarmRecord): Pick<LimitOrder, 'devices' | 'subjects' | 'groups'> {
  if (whom === 'device') return { devices: [device] }
  return whom === 'subject' ? { subjects: [subject] } : { groups: [whom.slice('group '.length)] }
}

interface NumbersParts {
  keys: Record<string, number | null>
  texts: ReadonlyMap<string, string>
  set(texts: ReadonlyMap<string, string>): void
}

function Numbers({ keys, texts, set }: NumbersParts) {
  return (
    <div class="limit-numbers">
      {Object.entries(keys).map(([key, value]) => (
        <label key={key}>
          {key}
          <input
            type="number"
            step="any"
            placeholder={value === null ? 'none' : `${value}`}
            value={texts.get(key) ?? ''}
            onInput={(event) => set(new Map([...texts, [key, event.currentTarget.value]]))}
          />
        </label>
      ))}
    </div>
  )
}

function WhomField({ alarm, value, set }: { alarm: AlarmRecord; value: Whom; set(whom: Whom): void }) {
  const { device, subject, groups = [] } = alarm
  return (
    <label>
      For
      <select value={value} onInput={(event) => set(event.currentTarget.value as Whom)}>
        <option value="device">device {device}</option>
        {subject !== device && <option value="subject">subject {subject}</option>}
        {groups.map((group) => (
          <option key={group} value={`group ${group}`}>
            group {group}
          </option>
        ))}
      </select>
    </label>
  )
}

function UntilField({ msMax, value, set }: { msMax: number; value: string; set(value: string): void }) {
  const all = hours.filter((n) => mayRegister.value || n * hourMs <= msMax)
  return (
    <label>
      Until the rule’s own limit counts again
      <select value={value} onInput={(event) => set(event.currentTarget.value)}>
        {all.map((n) => (
          <option key={n} value={`${n}`}>
            {n} h
          </option>
        ))}
        {mayRegister.value && <option value="permanent">permanent, until somebody ends it</option>}
      </select>
    </label>
  )
}
