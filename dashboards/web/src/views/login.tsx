/** What somebody sees who is not logged in: the login, and the page behind a one-time link, where they choose their password. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { linkOwner, logIn, openLink } from '../live/me.ts'

export function LoginView() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const send = async () => {
    await logIn(name.trim(), password)
    location.reload()
  }
  return (
    <Door title="Log in" send={send} label="Log in" isReady={name.trim() !== '' && password !== ''}>
      <Field label="Name" autoComplete="username" value={name} set={setName} isFirst />
      <Field label="Password" autoComplete="current-password" value={password} set={setPassword} />
    </Door>
  )
}

export function LinkView({ link }: { link: string }) {
  const [owner, setOwner] = useState<{ name?: string }>()
  const [fault, setFault] = useState('')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  useEffect(() => {
    linkOwner(link).then(setOwner, (error: Error) => setFault(error.message))
  }, [link])
  const isFirst = owner !== undefined && owner.name === undefined
  const send = async () => {
    await openLink(link, isFirst ? name.trim() : undefined, password)
    location.replace('/')
  }
  const isReady = owner !== undefined && password.length >= 10 && (!isFirst || name.trim() !== '')
  return (
    <Door
      title={isFirst ? 'The first account' : `Welcome${owner ? `, ${owner.name}` : ''}`}
      send={send}
      label="Begin"
      isReady={isReady}
      fault={fault}
    >
      {isFirst && <p class="soft">It has the role admin. Everybody logs in from then on.</p>}
      {isFirst && <Field label="Your name" autoComplete="username" value={name} set={setName} isFirst />}
      <Field label="A new password, 10 characters or more" autoComplete="new-password" value={password} set={setPassword} />
    </Door>
  )
}

interface DoorParts {
  title: string
  label: string
  isReady: boolean
  fault?: string
  send: () => Promise<void>
  children: ComponentChildren
}

function Door({ title, label, isReady, fault = '', send, children }: DoorParts) {
  const [failed, setFailed] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setFailed('')
    send().catch((error: Error) => {
      setFailed(error.message)
      setBusy(false)
    })
  }
  return (
    <main class="door">
      <form onSubmit={submit} aria-labelledby="door-title">
        <h1 id="door-title">{title}</h1>
        {children}
        {(failed || fault) && (
          <p class="wants" role="alert">
            {failed || fault}
          </p>
        )}
        <button type="submit" class="main" disabled={busy || !isReady}>
          {label}
        </button>
      </form>
    </main>
  )
}

interface FieldParts {
  label: string
  autoComplete: 'username' | 'current-password' | 'new-password'
  value: string
  set: (value: string) => void
  isFirst?: boolean
}

function Field({ label, autoComplete, value, set, isFirst = false }: FieldParts) {
  const parts = {
    ...{ id: autoComplete, autoComplete, value, required: true, maxLength: 256 },
    ref(input: HTMLInputElement | null) {
      if (isFirst && input && document.activeElement === document.body) input.focus()
    },
    onInput: (event: { currentTarget: HTMLInputElement }) => set(event.currentTarget.value),
  }
  return (
    <label for={autoComplete}>
      {label}
      {autoComplete === 'username' ? <input type="text" {...parts} /> : <input type="password" {...parts} />}
    </label>
  )
}
