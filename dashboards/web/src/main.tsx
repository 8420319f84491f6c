import 'uplot/dist/uPlot.min.css'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/fleet.css'
import './style/device.css'
import './style/alarms.css'
import './style/pipeline.css'
import './style/account.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { followLive } from './live/link.ts'
import { askWhoIAm } from './live/me.ts'
import { followAlarms } from './live/sound.ts'
import { followRoute } from './route.ts'
import { followTheme } from './theme.ts'
import { followTitle } from './title.ts'

followTheme()
followRoute()
followTitle()
await askWhoIAm()
followLive()
followAlarms()
render(<App />, document.getElementById('app')!)
