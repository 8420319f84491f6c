/** What the parts of an uplink share: what is to be sent, what was sent, and what is known of the other side. */
import type { Clock } from '@millrace/platform'
import type { Clocks } from '../clock/index.ts'
import type { Outbox } from '../outbox/index.ts'
import type { Births } from './births.ts'
import type { Host } from './host.ts'
import type { InFlight } from './in-flight.ts'
import type { UplinkOptions } from './options.ts'
import type { Orders } from './orders.ts'

export interface SendContext {
  outbox: Outbox
  births: Births
  host: Host
  inFlight: InFlight
  options: UplinkOptions
  clock: Clock
  /** What stamped the batches; absent where nobody says how far off it is. */
  clocks?: Clocks | undefined
  /** Remote care; absent: there is none. */
  orders?: Orders | undefined
}
