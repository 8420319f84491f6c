/** Which start of the machine this is: its monotonic clock counts from there. */
import { readFileSync } from 'node:fs'

/** Undefined where the system does not name its starts. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}
