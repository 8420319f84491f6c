/** All devices, a card each; on request only those that need attention. */
import { computed, signal } from '@preact/signals'
import { isImported } from '../channels.ts'
import { countText, rateText } from '../format.ts'
import { alarmsOf, type Device, device, deviceNames, ledger, openAlarms, pipeline } from '../live/model.ts'
import { Icon } from '../parts/icons.tsx'
import { Segments } from '../parts/segments.tsx'
import { DeviceCard } from './card.tsx'

const search = signal('')
const only = signal<'all' | 'attention'>('all')

const needsAttention = ({ name, view }: Device) =>
  (view.value.state !== 'online' && !isImported(view.value)) || view.value.absences.length > 0 || alarmsOf(name).length > 0

const shown = computed(() => {
  const text = search.value.trim().toLowerCase()
  return deviceNames.value
    .map((name) => device(name))
    .filter((one): one is Device => one !== undefined)
    .filter((one) => only.value === 'all' || needsAttention(one))
    .filter(({ view }) => `${view.value.device} ${view.value.subject} ${view.value.node}`.toLowerCase().includes(text))
})

export function FleetView() {
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>Fleet</h1>
        <Summary />
        <Tools />
      </header>
      {shown.value.length === 0 && <Nothing />}
      <ul class="cards">
        {shown.value.map((one) => (
          <li key={one.name}>
            <DeviceCard device={one} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Tools() {
  return (
    <div class="tools">
      <label class="search">
        <Icon name="search" />
        <input
          type="search"
          placeholder="Find a device"
          aria-label="Find a device"
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value
          }}
        />
      </label>
      <Segments
        label="Which devices"
        choices={[
          { value: 'all' as const, text: 'All' },
          { value: 'attention' as const, text: 'Needs attention' },
        ]}
        chosen={only.value}
        choose={(value) => {
          only.value = value
        }}
      />
    </div>
  )
}

function Summary() {
  const all = deviceNames.value.map((name) => device(name)!).filter((one) => one && !isImported(one.view.value))
  const online = all.filter(({ view }) => view.value.state === 'online').length
  const open = openAlarms.value.length
  const view = ledger.value
  return (
    <p class="summary">
      <span>
        <b>{countText(online)}</b> of {countText(all.length)} online
      </span>
      <span class={open > 0 ? 'wants' : ''}>
        <b>{countText(open)}</b> open {open === 1 ? 'alarm' : 'alarms'}
      </span>
      <span>
        <b>{rateText(pipeline.value?.readingsPerS ?? 0)}</b> readings/s
      </span>
      {view && (
        <a href="#/pipeline" class={view.balanced ? 'closes' : 'wants'}>
          <Icon name={view.balanced ? 'check' : 'cross'} size={13} /> ledger {view.balanced ? 'closes' : 'does not close'}
        </a>
      )}
    </p>
  )
}

function Nothing() {
  const none = deviceNames.value.length === 0
  return (
    <div class="empty">
      <p>{none ? 'No device has spoken yet.' : only.value === 'attention' ? 'Nothing needs attention.' : 'No device matches.'}</p>
      {none && <p class="soft">A device appears here with its first birth or reading.</p>}
    </div>
  )
}
