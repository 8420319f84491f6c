/** Hash routes: `#/`, `#/device/<name>`, `#/alarms`, `#/pipeline`, `#/account`, `#/link/<token>`. They survive a reload and can be shared. */
import { signal } from '@preact/signals'
import { inAddress } from './address.ts'

export type Route =
  | { view: 'fleet' | 'alarms' | 'pipeline' | 'account' }
  | { view: 'link'; link: string }
  | { view: 'device'; device: string }

export const route = signal<Route>({ view: 'fleet' })

export function followRoute(): void {
  const read = () => {
    route.value = parse(location.hash)
  }
  addEventListener('hashchange', () => {
    read()
    scrollTo(0, 0)
    // A new page in the sense of a screen reader: its heading gets the focus.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true }))
  })
  read()
}

export function deviceHref(device: string): string {
  return `#/device/${inAddress(device)}`
}

function parse(hash: string): Route {
  const [, view, name] = hash.split('/')
  if (view === 'device' && name) return { view, device: fromAddress(name) }
  if (view === 'link' && name) return { view, link: name }
  if (view === 'alarms' || view === 'pipeline' || view === 'account') return { view }
  return { view: 'fleet' }
}

/** As it is where somebody typed a stray `%`. */
function fromAddress(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
