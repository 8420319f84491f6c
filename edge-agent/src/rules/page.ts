/** The local page: what is active and what was measured last, on the gateway itself. Plain HTML that loads itself again; no script. */
import type { AlarmRecord } from '@millrace/contract'
import type { NewestValue } from './newest.ts'

export interface PageView {
  node: string
  nowMs: number
  isConnected: boolean
  active: AlarmRecord[]
  newest: NewestValue[]
}

const style = `body{font:16px/1.4 system-ui,sans-serif;margin:1.5rem;max-width:60rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}
.high td:first-child{border-left:.4rem solid #b00020}.medium td:first-child{border-left:.4rem solid #c77700}.low td:first-child{border-left:.4rem solid #2a6fb0}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}td,th{border-color:#444}}`

export function pageOf({ node, nowMs, isConnected, active, newest }: PageView): string {
  const link = isConnected ? 'connected to the broker' : 'NOT connected to the broker: alarms go to the receivers of this gateway'
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="2"><title>${active.length > 0 ? `(${active.length}) ` : ''}${text(node)}</title><style>${style}</style></head><body>
<h1>${text(node)}</h1><p>${link}. ${time(nowMs)}</p>
<h2>Alarms</h2>${active.length === 0 ? '<p>None is active.</p>' : alarms(active)}
<h2>Newest values</h2>${newest.length === 0 ? '<p>Nothing was measured yet.</p>' : values(newest)}</body></html>
`
}

function alarms(active: AlarmRecord[]): string {
  const rows = active.map(
    ({ priority, raisedMs, device, text: what }) =>
      `<tr class="${priority}"><td>${priority}</td><td>${time(raisedMs)}</td><td>${text(device)}</td><td>${text(what)}</td></tr>`,
  )
  return `<table><tr><th>Priority</th><th>Raised</th><th>Device</th><th>Alarm</th></tr>${rows.join('')}</table>`
}

function values(newest: NewestValue[]): string {
  const rows = newest.map(
    ({ device, channel, value, unit, atMs }) =>
      `<tr><td>${text(device)}</td><td>${text(channel)}</td><td>${text(value)} ${unit === '1' ? '' : text(unit)}</td><td>${time(atMs)}</td></tr>`,
  )
  return `<table><tr><th>Device</th><th>Channel</th><th>Value</th><th>Measured</th></tr>${rows.join('')}</table>`
}

const time = (ms: number) =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC')

/** Names and texts come from devices and files. */
function text(value: number | string | boolean): string {
  return `${value}`.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
