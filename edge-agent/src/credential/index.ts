import type { UplinkOptions } from '../uplink/index.ts'
import { Slots } from './slots.ts'

export { enrol } from './enrol.ts'
export { keepRenewed } from './keep.ts'
export { Slots } from './slots.ts'

/** The file with the certificate of this agent; undefined: it has none. */
export function certificateFile({ dataDir, uplink }: { dataDir: string; uplink: UplinkOptions }): string | undefined {
  return uplink.enrolment ? new Slots(dataDir).current : uplink.certFile
}
