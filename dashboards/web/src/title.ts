/** The tab says how many alarms are open, in its title and its icon. */
import { effect } from '@preact/signals'
import { link } from './live/link.ts'
import { openAlarms } from './live/model.ts'
import { route } from './route.ts'

const names = { fleet: 'Fleet', alarms: 'Alarms', pipeline: 'Pipeline', account: 'Account', link: 'Welcome' }

export function followTitle(): void {
  effect(() => {
    const count = openAlarms.value.length
    const at = route.value
    const name = at.view === 'device' ? at.device : names[at.view]
    const lost = link.value.state === 'lost'
    document.title = `${lost ? '⚠ link lost · ' : ''}${count > 0 ? `(${count}) ` : ''}${name} · Millrace`
    document.getElementById('favicon')!.setAttribute('href', icon(lost ? '#8a949e' : count > 0 ? '#e5484d' : '#1793b0'))
  })
}

function icon(fill: string): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${fill}"/><path d="M4 18h6l3-9 5 16 4-11 2 4h4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
