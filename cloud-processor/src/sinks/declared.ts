/** What devices have declared of their channels: a reading itself carries neither unit nor scale. Kept with the position. */
import type { Channel, DeclarationRecord } from '@millrace/contract'

export type DeclaredChannel = Pick<Channel, 'unit' | 'scale' | 'offset' | 'code'>
type Device = Map<string, DeclaredChannel>

export interface Declared {
  take(partition: number, record: DeclarationRecord): void
  of(partition: number, device: string): Device
  /** As JSON: of each device its channels. */
  save(partition: number): unknown
  restore(partition: number, saved: unknown): void
}

const nothing: Device = new Map()

export function createDeclared(): Declared {
  const partitions = new Map<number, Map<string, Device>>()
  const devicesOf = (partition: number) => {
    const known = partitions.get(partition) ?? new Map<string, Device>()
    partitions.set(partition, known)
    return known
  }
  return {
    take(partition, { device, channels }) {
      const needed = channels.map(({ name, unit, scale, offset, code }) => [name, { unit, scale, offset, code }] as const)
      devicesOf(partition).set(device, new Map<string, DeclaredChannel>(needed as [string, DeclaredChannel][]))
    },
    of: (partition, device) => partitions.get(partition)?.get(device) ?? nothing,
    save: (partition) => [...devicesOf(partition)].map(([device, channels]) => [device, [...channels]]),
    restore(partition, saved = []) {
      partitions.set(
        partition,
        new Map((saved as [string, [string, DeclaredChannel][]][]).map(([device, channels]) => [device, new Map(channels)])),
      )
    },
  }
}
