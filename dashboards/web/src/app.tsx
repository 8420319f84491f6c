/** The frame around every view: where one is, whether the link lives, and what was raised just now. */

import { timeText } from './format.ts'
import { link } from './live/link.ts'
import { me } from './live/me.ts'
import { announced, openAlarms } from './live/model.ts'
import { nowSecond } from './live/time.ts'
import { Banner } from './parts/banner.tsx'
import { Icon, type IconName } from './parts/icons.tsx'
import { SoundSwitch } from './parts/sound-switch.tsx'
import { type Route, route } from './route.ts'
import { theme, toggleTheme } from './theme.ts'
import { AccountView } from './views/account.tsx'
import { AlarmsView } from './views/alarms.tsx'
import { DeviceView } from './views/device.tsx'
import { FleetView } from './views/fleet.tsx'
import { LinkView, LoginView } from './views/login.tsx'
import { PipelineView } from './views/pipeline.tsx'

export function App() {
  const at = route.value
  if (at.view === 'link') return <LinkView link={at.link} />
  if (me.value === 'stranger') return <LoginView />
  return (
    <div class={`app link-${link.value.state}`}>
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to content
      </button>
      <TopBar />
      <Banner />
      <main id="main">
        <View at={at} />
      </main>
      <div class="unseen" role="status" aria-live="assertive">
        {announced.value}
      </div>
    </div>
  )
}

function View({ at }: { at: Route }) {
  if (at.view === 'device') return <DeviceView key={at.device} name={at.device} />
  if (at.view === 'alarms') return <AlarmsView />
  if (at.view === 'pipeline') return <PipelineView />
  if (at.view === 'account') return <AccountView />
  return <FleetView />
}

const tabs: { view: Route['view']; label: string; icon: IconName; href: string }[] = [
  { view: 'fleet', label: 'Fleet', icon: 'fleet', href: '#/' },
  { view: 'alarms', label: 'Alarms', icon: 'alarms', href: '#/alarms' },
  { view: 'pipeline', label: 'Pipeline', icon: 'pipeline', href: '#/pipeline' },
]

function TopBar() {
  const open = openAlarms.value
  const current = route.value.view === 'device' ? 'fleet' : route.value.view
  return (
    <div class="top">
      <a class="brand" href="#/" aria-label="Millrace, fleet">
        <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M4 18h6l3-9 5 16 4-11 2 4h4" />
        </svg>
        <span>Millrace</span>
      </a>
      <nav aria-label="Views">
        {tabs.map(({ view, label, icon, href }) => (
          <a key={view} href={href} aria-current={current === view ? 'page' : undefined}>
            <Icon name={icon} size={18} />
            <span>{label}</span>
            {view === 'alarms' && open.length > 0 && (
              <b class={`count priority-${open[0]!.priority}`}>
                {open.length}
                <span class="unseen"> open</span>
              </b>
            )}
          </a>
        ))}
      </nav>
      <div class="top-end">
        <LinkSign />
        <SoundSwitch />
        <time class="wall">{timeText(nowSecond.value)}</time>
        <a
          class="plain"
          href="#/account"
          aria-label="Account"
          title="Account"
          aria-current={current === 'account' ? 'page' : undefined}
        >
          <Icon name="person" size={18} />
        </a>
        <button
          type="button"
          class="plain"
          onClick={toggleTheme}
          aria-label={theme.value === 'dark' ? 'Use light colours' : 'Use dark colours'}
          title="Colours"
        >
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} size={18} />
        </button>
      </div>
    </div>
  )
}

function LinkSign() {
  const { state } = link.value
  const word = { live: 'Live', lost: 'Link lost', connecting: 'Connecting' }[state]
  return (
    <span class={`link-sign ${state}`} role="status">
      <i class="dot" aria-hidden="true" />
      {word}
    </span>
  )
}

function skipToMain(): void {
  document.querySelector<HTMLElement>('main h1')?.focus()
}
