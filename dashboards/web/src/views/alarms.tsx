/** Open alarms, most urgent first; then the settled ones. */
import type { AlarmRecord } from '@millrace/contract'
import { signal } from '@preact/signals'
import { ageText, unitText, valueText, whenText } from '../format.ts'
import type { AlarmOrder } from '../live/api.ts'
import { mayOperate } from '../live/me.ts'
import { channelOf, dependentsOf, device, heldBack, isOpen, openAlarms, settledAlarms } from '../live/model.ts'
import { nowSecond } from '../live/time.ts'
import { priorityWords } from '../parts/badges.tsx'
import { Icon } from '../parts/icons.tsx'
import { deviceHref } from '../route.ts'
import { AcknowledgeDialog, asked } from './acknowledge.tsx'
import { AlarmChanges } from './alarm-changes.tsx'
import { askForLimit, LimitDialog } from './limit-dialog.tsx'
import { LimitsSet } from './limits-set.tsx'

const settledShown = signal(30)

export function AlarmsView() {
  const open = openAlarms.value
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>Alarms</h1>
        <p class="summary">
          <span class={open.length > 0 ? 'wants' : ''}>
            <b>{open.length}</b> open
          </span>
          <span>
            <b>{open.filter((alarm) => !alarm.acknowledged).length}</b> not acknowledged
          </span>
        </p>
      </header>
      {open.length === 0 ? (
        <div class="empty calm">
          <Icon name="check" size={28} />
          <p>No open alarm.</p>
        </div>
      ) : (
        <ul class="alarm-list" aria-label="Open alarms">
          {open.map((alarm) => (
            <AlarmRow key={alarm.id} alarm={alarm} link />
          ))}
        </ul>
      )}
      <HeldBack />
      <LimitsSet />
      <Settled />
      <AcknowledgeDialog />
      <LimitDialog />
    </>
  )
}

function ask(alarm: AlarmRecord, order: AlarmOrder): void {
  asked.value = { alarm, order }
}

function Orders({ of }: { of: AlarmRecord }) {
  const all: [AlarmOrder, string][] = [
    [of.shelved ? 'unshelve' : 'shelve', of.shelved ? 'Unshelve' : 'Shelve'],
    ['out-of-service', 'Out of service'],
    ['reset', 'Reset'],
    ['comment', 'Comment'],
  ]
  const impossible = [of.outOfService ? 'out-of-service' : '', of.latched ? '' : 'reset']
  const orders = all.filter(([order]) => !impossible.includes(order))
  return (
    <div class="alarm-orders">
      {orders.map(([order, title]) => (
        <button key={order} type="button" class="quiet" onClick={() => ask(of, order)}>
          {title}
        </button>
      ))}
      <button type="button" class="quiet" onClick={() => askForLimit(of)}>
        Change limit
      </button>
    </div>
  )
}

function heldWords({ shelved, matchers }: AlarmRecord): { state: string; order: AlarmOrder; end: string } {
  if (matchers) return { state: 'Silenced', order: 'end-silence', end: 'End' }
  return shelved
    ? { state: 'Shelved', order: 'unshelve', end: 'Unshelve' }
    : { state: 'Out of service', order: 'in-service', end: 'Put back' }
}

/** Of these nobody is called. */
function HeldBack() {
  const held = heldBack.value
  if (held.length === 0) return null
  return (
    <section aria-labelledby="held-back">
      <h2 id="held-back">Nobody is called for</h2>
      <ul class="alarm-list settled">
        {held.map((one) => (
          <li key={one.id} class="alarm-row">
            <span class="alarm-mark">{heldWords(one).state}</span>
            <div class="alarm-what">
              <strong>{one.matchers ? one.text : `${one.subject}: ${one.rule}`}</strong>
              <p class="soft">
                {one.shelved && (
                  <span>{`${one.shelved.once ? 'until it clears, at most ' : ''}until ${whenText(one.shelved.untilMs, nowSecond.value)}`}</span>
                )}
                <span>{one.actor}</span>
                {one.reason && <span>{one.reason}</span>}
              </p>
            </div>
            {mayOperate.value && (
              <button type="button" class="quiet" onClick={() => ask(one, heldWords(one).order)}>
                {heldWords(one).end}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Settled() {
  const settled = settledAlarms.value
  if (settled.length === 0) return null
  const showMore = () => {
    settledShown.value += 50
  }
  return (
    <section aria-labelledby="settled">
      <h2 id="settled">Settled</h2>
      <ul class="alarm-list settled">
        {settled.slice(0, settledShown.value).map((alarm) => (
          <AlarmRow key={alarm.id} alarm={alarm} link />
        ))}
      </ul>
      {settled.length > settledShown.value && (
        <button type="button" class="quiet" onClick={showMore}>
          Show more
        </button>
      )}
    </section>
  )
}

export function AlarmRow({ alarm, link = false }: { alarm: AlarmRecord; link?: boolean }) {
  const known = device(alarm.device)
  const channel = known && channelOf(known, alarm.channel)
  const wantsSomebody = isOpen(alarm)
  return (
    <li class={`alarm-row priority-${alarm.priority} ${alarm.active ? 'active' : ''} ${wantsSomebody ? 'open' : ''}`}>
      <span class="alarm-mark">
        <Icon name={alarm.priority} size={20} />
        <b>{priorityWords[alarm.priority]}</b>
      </span>
      <div class="alarm-what">
        <strong>{alarm.text}</strong>
        <History alarm={alarm} link={link} />
        <Dependents of={alarm} />
        <AlarmChanges of={alarm}>{wantsSomebody && mayOperate.value && <Orders of={alarm} />}</AlarmChanges>
      </div>
      {alarm.value !== undefined && alarm.active && !alarm.technical && (
        <span class="alarm-value">
          {valueText(alarm.value, channel)} <small>{unitText(alarm.unit ?? '')}</small>
        </span>
      )}
      {wantsSomebody && !alarm.acknowledged && mayOperate.value && (
        <button type="button" class="main" onClick={() => ask(alarm, 'acknowledge')}>
          Acknowledge
        </button>
      )}
      {!link && <AcknowledgeDialog only={alarm.id} />}
      {!link && <LimitDialog only={alarm.id} />}
    </li>
  )
}

/** What follows from it, folded. */
function Dependents({ of }: { of: AlarmRecord }) {
  const dependents = dependentsOf(of.id)
  if (dependents.length === 0) return null
  return (
    <details class="dependents">
      <summary>
        {dependents.length === 1 ? 'One alarm follows' : `${dependents.length} alarms follow`} from it; nobody was called for{' '}
        {dependents.length === 1 ? 'it' : 'them'}
      </summary>
      <ul>
        {dependents.map((alarm) => (
          <li key={alarm.id}>
            <a href={deviceHref(alarm.device)}>{alarm.subject}</a> {alarm.text}
          </li>
        ))}
      </ul>
    </details>
  )
}

function History({ alarm, link }: { alarm: AlarmRecord; link: boolean }) {
  const now = nowSecond.value
  return (
    <p class="soft">
      {link && <a href={deviceHref(alarm.device)}>{alarm.subject}</a>}
      <span>
        raised <time dateTime={new Date(alarm.raisedMs).toISOString()}>{whenText(alarm.raisedMs, now)}</time>
        {alarm.active && `, ${ageText(now - alarm.raisedMs)} ago`}
      </span>
      {alarm.clearedMs !== undefined && <span>over since {whenText(alarm.clearedMs, now)}</span>}
      {alarm.technical && <span>technical</span>}
      {alarm.shelved && <span>shelved until {whenText(alarm.shelved.untilMs, now)}</span>}
      {alarm.silenced && <span>silenced until {whenText(alarm.silenced.untilMs, now)}</span>}
      {alarm.latched && <span>the value is back; to be reset</span>}
      {alarm.outOfService && <span>out of service</span>}
      {alarm.unannounced && !alarm.active && <span>nobody was called</span>}
      {alarm.retrospective && <span>from late data: nobody was called</span>}
      {alarm.acknowledged && (
        <span>
          <Icon name="check" size={12} /> {alarm.by ?? 'acknowledged'}
          {alarm.note && `: ${alarm.note}`}
        </span>
      )}
    </p>
  )
}
