import type { Clock, Log } from '@millrace/platform'
import { tryCredential, type UplinkOptions } from '../uplink/index.ts'
import { Renewal } from './renewal.ts'
import { Slots } from './slots.ts'

export interface Kept {
  group: string
  node: string
  dataDir: string
  uplink: UplinkOptions
}

/** Renews the certificate of a running agent until it is stopped; undefined: it has none to renew. */
export function keepRenewed({ group, node, dataDir, uplink }: Kept, context: { clock: Clock; log: Log }): Renewal | undefined {
  if (!uplink.enrolment) return undefined
  const renewal = new Renewal({
    ...context,
    slots: new Slots(dataDir),
    url: uplink.enrolment.url,
    name: `${group}/${node}`,
    caFile: uplink.caFile,
    // Beside the session that the agent has: another client id, no will, no birth.
    connects: (file) => tryCredential(uplink, file, `${group}-${node}-renewal`),
  })
  renewal.start()
  return renewal
}
