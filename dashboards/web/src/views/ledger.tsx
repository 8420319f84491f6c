/** The ledger: the equation with its numbers, and whether it closes. */
import type { LedgerSum, LedgerView } from '@millrace/cloud-processor/web'
import { signal } from '@preact/signals'
import { countText, timeText } from '../format.ts'
import { ledger } from '../live/model.ts'
import { Icon } from '../parts/icons.tsx'
import { Segments } from '../parts/segments.tsx'
import { deviceHref } from '../route.ts'

const terms = ['stored', 'filtered', 'rejected', 'evicted', 'collapsed', 'expired'] as const
const meanings = {
  stored: 'held by the store',
  filtered: 'held back by report by exception',
  rejected: 'refused, with the reason and the bytes kept',
  evicted: 'removed at the outbox’s bound, drawn as gaps',
  collapsed: 'same channel and time twice: the last one won',
  expired: 'held by the store until its retention removed it',
}
const units = ['readings', 'waveform samples'] as const
const unit = signal<0 | 1>(0)

export function LedgerSection() {
  const view = ledger.value
  return (
    <section aria-labelledby="ledger">
      <div class="section-head">
        <h2 id="ledger">Ledger</h2>
        {view && <Verdict sum={view.total} unit={unit.value} balanced={view.balanced} />}
        <Segments
          label="What is counted"
          choices={units.map((text, value) => ({ value: value as 0 | 1, text }))}
          chosen={unit.value}
          choose={(value) => {
            unit.value = value
          }}
        />
      </div>
      {view ? <LedgerBody view={view} /> : <p class="soft">No cut has been settled yet.</p>}
    </section>
  )
}

function LedgerBody({ view }: { view: LedgerView }) {
  return (
    <>
      <Equation sum={view.total} unit={unit.value} />
      <p class="flight soft">
        Settled at {timeText(view.atMs)}. In flight, as measured: <b>{countText(view.inFlight.outboxRows)}</b> rows in outboxes,{' '}
        <b>{countText(view.inFlight.logRecords)}</b> records between stages, <b>{countText(view.total.ahead[unit.value])}</b>{' '}
        {units[unit.value]} stored ahead of the cut.
        {view.derived.read[0] > 0 && (
          <>
            {' '}
            <b>{countText(view.derived.read[0])}</b> readings of derived channels were computed beside, and{' '}
            <b>{countText(view.derived.stored[0])}</b> of them are stored.
          </>
        )}
      </p>
      {view.devices.length > 0 && <DeviceTable view={view} />}
    </>
  )
}

/** read = stored + filtered + rejected + evicted + collapsed + expired */
export function Equation({ sum, unit: at }: { sum: LedgerSum; unit: 0 | 1 }) {
  const read = sum.read[at]
  return (
    <div class={`equation ${sum.difference[at] === 0 ? '' : 'open'}`}>
      <div class="terms">
        <Term
          name="read"
          label={at === 0 ? 'readings read' : 'samples read'}
          value={read}
          note={at === 0 ? 'readings decoded from good frames' : 'waveform samples decoded from good frames'}
        />
        {terms.map((name, index) => (
          <>
            <span class="operator" aria-hidden="true">
              {index === 0 ? '=' : '+'}
            </span>
            <Term name={name} value={sum[name][at]} note={meanings[name]} />
          </>
        ))}
      </div>
      <div class="shares" aria-hidden="true">
        {terms.map((name) => (
          <i key={name} class={`share-${name}`} style={{ flexGrow: read > 0 ? sum[name][at] / read : 0 }} />
        ))}
      </div>
    </div>
  )
}

function Term({ name, label = name, value, note }: { name: string; label?: string; value: number; note: string }) {
  return (
    <div class={`term term-${name} ${value === 0 ? 'zero' : ''}`} title={note}>
      <b>{countText(value)}</b>
      <span>{label}</span>
    </div>
  )
}

function Verdict({ sum, unit: at, balanced }: { sum: LedgerSum; unit: 0 | 1; balanced: boolean }) {
  const by = sum.difference[at]
  if (balanced) {
    return (
      <span class="verdict closes">
        <Icon name="check" /> closes
      </span>
    )
  }
  return (
    <span class="verdict wants" role="alert">
      <Icon name="cross" /> does not close{by !== 0 && ` by ${countText(Math.abs(by))} ${by > 0 ? 'missing' : 'too many'}`}
    </span>
  )
}

function DeviceTable({ view }: { view: LedgerView }) {
  const at = unit.value
  return (
    <section class="scroll-x" aria-label="Ledger by device">
      <table class="ledger">
        <thead>
          <tr>
            <th scope="col">Device</th>
            {['read', ...terms, 'sum'].map((name) => (
              <th scope="col" class="number" key={name}>
                {name === 'sum' ? 'Closes' : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {view.devices.map((one) => (
            <DeviceRow key={one.device} sum={one} at={at} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function DeviceRow({ sum, at }: { sum: LedgerView['devices'][number]; at: 0 | 1 }) {
  const difference = sum.difference[at]
  return (
    <tr>
      <th scope="row">
        <a href={deviceHref(sum.device)}>{sum.device}</a>
      </th>
      {(['read', ...terms] as const).map((name) => (
        <td key={name} class={`number ${sum[name][at] === 0 ? 'soft' : ''}`}>
          {countText(sum[name][at])}
        </td>
      ))}
      <td class="number">
        <span class={difference === 0 ? 'closes' : 'wants'}>
          <Icon name={difference === 0 ? 'check' : 'cross'} size={14} />{' '}
          {difference === 0 ? 'closes' : `by ${countText(difference)}`}
        </span>
      </td>
    </tr>
  )
}
