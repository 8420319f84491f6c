/** The accounts, and what an admin does with them. */
import type { AccountView } from '@millrace/cloud-processor/web'
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { scopeText } from '../format.ts'
import { fetchAccounts, orderAccount } from '../live/me.ts'
import { loadAudit } from './audit.tsx'

const accounts = signal<AccountView[]>([])
/** What came of the newest order: a link to pass on, or why it was refused. */
const outcome = signal<{ link?: string; failed?: string; name: string } | undefined>(undefined)
const roles = ['viewer', 'operator', 'engineer', 'admin']

async function load(): Promise<void> {
  accounts.value = await fetchAccounts()
  await loadAudit()
}

async function order(what: '' | '/link' | '/end-sessions' | '/remove', body: { name: string }): Promise<boolean> {
  try {
    const { link } = await orderAccount<{ link?: string }>(what, body)
    outcome.value = link === undefined ? undefined : { name: body.name, link: location.origin + link }
    await load()
    return true
  } catch (error) {
    outcome.value = { name: body.name, failed: (error as Error).message }
    return false
  }
}

export function AccountsSection() {
  useEffect(() => {
    void load()
    const timer = setInterval(() => void load().catch(() => {}), 5000)
    return () => clearInterval(timer)
  }, [])
  return (
    <section aria-labelledby="accounts">
      <h2 id="accounts">Accounts</h2>
      {accounts.value.length > 0 && (
        <div class="scroll-x">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Role</th>
                <th>Sees</th>
                <th class="number">Sessions</th>
                <th>
                  <span class="unseen">Orders</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {accounts.value.map((account) => (
                <AccountRow key={account.name} of={account} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Outcome />
      <NewAccount />
    </section>
  )
}

function AccountRow({ of: { name, role, scope, isInvited, sessions } }: { of: AccountView }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{role}</td>
      <td>{scopeText(scope)}</td>
      <td class="number">{isInvited ? 'link not opened' : sessions}</td>
      <td class="account-orders">
        <button type="button" class="quiet" onClick={() => order('/link', { name })}>
          New link
        </button>
        <button type="button" class="quiet" onClick={() => order('/end-sessions', { name })}>
          End sessions
        </button>
        <button type="button" class="quiet" onClick={() => confirm(`Remove the account ${name}?`) && order('/remove', { name })}>
          Remove
        </button>
      </td>
    </tr>
  )
}

function Outcome() {
  const came = outcome.value
  if (!came) return null
  if (came.failed !== undefined)
    return (
      <p class="wants" role="alert">
        {came.failed}
      </p>
    )
  return (
    <p class="link-made" role="status">
      Give this link to {came.name}; it sets the password, once, within a day: <code>{came.link}</code>
    </p>
  )
}

function NewAccount() {
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [scope, setScope] = useState('')
  const send = async (event: Event) => {
    event.preventDefault()
    const filters = scope.split(/[\s,]+/).filter((filter) => filter !== '')
    if (await order('', { name: name.trim(), role, scope: filters } as { name: string })) setName('')
  }
  return (
    <form class="fields-in-line" onSubmit={send} aria-label="New account">
      <label>
        Name
        <input required maxLength={64} autoComplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label>
        Role
        <select value={role} onInput={(event) => setRole(event.currentTarget.value)}>
          {roles.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label>
        Sees
        <input placeholder="everything, or ward-3/#" value={scope} onInput={(event) => setScope(event.currentTarget.value)} />
      </label>
      <button type="submit" class="main" disabled={name.trim() === ''}>
        Add
      </button>
    </form>
  )
}
