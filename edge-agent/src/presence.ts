/**
 * Which devices are there, as the host is told. A device is away when its line has stayed closed for `awayAfterMs`: longer than
 * an adapter needs to come back under another path, or a silent line to be opened again, neither of which is a death. Its gap
 * says from the first moment on why the line is closed, and so does its death.
 */
import type { Clock } from '@millrace/platform'
import type { Device } from './device.ts'
import type { Uplink } from './uplink/index.ts'

/** A USB adapter takes 1 to 3 s to come back, and the bus tries every second. */
const awayAfterMs = 5000

type Devices = Pick<Device, 'id' | 'status'>[]

/**
 * Returns what looks at the lines. Called before what they measured is committed, so that a device is known to be back before
 * its first readings are sent.
 */
export function followPresence(devices: Devices, uplink: Pick<Uplink, 'deviceOnline' | 'deviceOffline'>, clock: Clock) {
  const lines = devices.map((device) => ({ device, closedMs: Number.POSITIVE_INFINITY, isAway: false }))
  return () => {
    const nowMs = clock.monotonic()
    for (const line of lines) {
      const { id } = line.device
      const { isOpen, reason = 'unplugged' } = line.device.status()
      line.closedMs = isOpen ? Number.POSITIVE_INFINITY : Math.min(line.closedMs, nowMs)
      const isAway = nowMs - line.closedMs >= awayAfterMs
      if (isAway && !line.isAway) uplink.deviceOffline(id, reason)
      if (isOpen && line.isAway) uplink.deviceOnline(id)
      line.isAway = isAway
    }
  }
}
