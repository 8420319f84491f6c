/** From one dashboard to another, with the time that is looked at. */
import type { Link } from './panels.ts'

export const uids = {
  fleet: 'millrace-fleet',
  device: 'millrace-device',
  alarms: 'millrace-alarms',
  pipeline: 'millrace-pipeline',
  gateways: 'millrace-gateways',
} as const

/** From a cell of the column `device`, or one in its row. */
export const toDevice: Link = {
  title: 'Open the device',
  url: `/d/${uids.device}?var-device=\${__data.fields.device}&\${__url_time_range}`,
}

/** From a line whose series has the label `device`. */
export const lineToDevice: Link = {
  title: 'Open the device',
  url: `/d/${uids.device}?var-device=\${__field.labels.device}&\${__url_time_range}`,
}

export const toAlarms: Link = { title: 'Open the alarms', url: `/d/${uids.alarms}?\${__url_time_range}` }
export const toPipeline: Link = { title: 'Open pipeline and ledger', url: `/d/${uids.pipeline}?\${__url_time_range}` }
