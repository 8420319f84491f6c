/** Who one is here, and for an admin: who may log in, and who did what. */
import { scopeText } from '../format.ts'
import { isAdmin, logOut, me } from '../live/me.ts'
import { AccountsSection } from './accounts.tsx'
import { AuditSection } from './audit.tsx'

export function AccountView() {
  const known = me.value
  if (known === undefined || known === 'stranger') return null
  const leave = () => logOut().finally(() => location.reload())
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>Account</h1>
        <p class="summary">
          <span>
            <b>{known.name}</b>
          </span>
          <span>role {known.role}</span>
          <span>sees {scopeText(known.scope)}</span>
        </p>
        {known.by === 'session' && (
          <div class="tools">
            <button type="button" class="quiet" onClick={leave}>
              Log out
            </button>
          </div>
        )}
      </header>
      {known.by === 'machine' && (
        <p class="soft">
          Nobody is asked to log in: everybody on this machine is admin, as a demonstration. With the first account that ends:
          make one here, or with <code>millrace user add</code>.
        </p>
      )}
      {isAdmin.value && <AccountsSection />}
      {isAdmin.value && <AuditSection />}
    </>
  )
}
