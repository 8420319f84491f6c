/** What the device registry says of one device, and how an engineer changes it. */
import type { RegistryDevice, RegistryTime } from '@millrace/cloud-processor/web'
import { useEffect, useId, useState } from 'preact/hooks'
import { answer, post } from '../live/api.ts'
import { mayRegister, signedAs } from '../live/me.ts'

export function RegistryPanel({ name }: { name: string }) {
  const [known, setKnown] = useState<RegistryDevice>()
  const load = async () => {
    const [found] = await answer<RegistryDevice[]>(await fetch(`/api/registry?${new URLSearchParams({ device: name })}`))
    setKnown(found)
  }
  useEffect(() => {
    setKnown(undefined)
    load().catch(() => {})
  }, [name])
  if (!known) return null
  const { place, replaces, replacedBy, decommissionedMs } = known
  return (
    <details class="channels">
      <summary>Registry: {known.name ?? name}</summary>
      <p>
        {place && <span>at {place} </span>}
        {replaces && <span>in the place of {replaces} </span>}
        {replacedBy && <span>replaced by {replacedBy} </span>}
        {decommissionedMs !== undefined && <span>decommissioned since {timeText(decommissionedMs)}</span>}
      </p>
      <Times title="Subject" times={known.subjects} />
      <Times title="Place" times={known.places} />
      {mayRegister.value && <Orders known={known} done={load} />}
    </details>
  )
}

function Times({ title, times }: { title: string; times: RegistryTime[] }) {
  if (times.length === 0) return null
  return (
    <div class="scroll-x">
      <table>
        <thead>
          <tr>
            {[title, 'From', 'To', 'By', 'Reason'].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.toReversed().map(({ value, fromMs, toMs, by, reason }) => (
            <tr key={fromMs}>
              <th scope="row">{value}</th>
              <td>{timeText(fromMs)}</td>
              <td>{toMs === undefined ? '' : timeText(toMs)}</td>
              <td>{by}</td>
              <td class="soft">{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const timeText = (ms: number) => new Date(ms).toLocaleString()

const orders = {
  assign: { text: 'Assign', field: 'subject', label: 'Subject' },
  unassign: { text: 'End the assignment' },
  describe: { text: 'Move', field: 'place', label: 'Place' },
  replace: { text: 'Replace', field: 'with', label: 'New device' },
  decommission: { text: 'Decommission' },
  recommission: { text: 'Back into use' },
} as const satisfies Record<string, { text: string; field?: string; label?: string }>

type Order = keyof typeof orders

function Orders({ known, done }: { known: RegistryDevice; done: () => Promise<void> }) {
  const [order, setOrder] = useState<Order>('assign')
  const [value, setValue] = useState('')
  const [from, setFrom] = useState('')
  const [reason, setReason] = useState('')
  const [by, setBy] = useState(signedAs.value ?? '')
  const [failed, setFailed] = useState('')
  const { field, label } = { field: undefined, label: '', ...orders[order] }
  const send = async (event: Event) => {
    event.preventDefault()
    const times = from === '' ? {} : { fromMs: new Date(from).getTime() }
    const said = { ...(reason ? { reason } : {}), ...(field ? { [field]: value } : {}) }
    try {
      await post(`/api/registry/${order}`, { device: known.device, by, ...said, ...times })
      setFailed('')
      setValue('')
      await done()
    } catch (error) {
      setFailed((error as Error).message)
    }
  }
  return (
    <form class="fields-in-line" onSubmit={send}>
      <select aria-label="Order" value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
        {Object.entries(orders).map(([name, { text }]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
      {field && <Field label={label} value={value} set={setValue} isRequired />}
      <Field label="Since (empty: now)" isTime value={from} set={setFrom} />
      <Field label="Reason" value={reason} set={setReason} />
      {signedAs.value === undefined && <Field label="By" value={by} set={setBy} isRequired />}
      <button type="submit" class="main">
        {orders[order].text}
      </button>
      {failed && <p role="alert">{failed}</p>}
    </form>
  )
}

interface Input {
  label: string
  value: string
  set(value: string): void
  isTime?: boolean
  isRequired?: boolean
}

function Field({ label, value, set, isTime = false, isRequired = false }: Input) {
  const id = useId()
  const onInput = (event: Event) => set((event.currentTarget as HTMLInputElement).value)
  return (
    <span>
      <label htmlFor={id}>{label}</label>
      {isTime ? (
        <input id={id} type="datetime-local" value={value} onInput={onInput} />
      ) : (
        <input id={id} type="text" value={value} required={isRequired} onInput={onInput} />
      )}
    </span>
  )
}
