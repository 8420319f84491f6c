/** The newest value of each channel, for the local page. */
import { type Channel, type Column, scaled } from '@millrace/contract'
import type { Drained } from '../outbox/index.ts'
import type { Declared } from './timeline.ts'

export interface NewestValue {
  device: string
  channel: string
  atMs: number
  /** In `unit`. */
  value: number | string | boolean
  unit: string
}

export class Newest {
  readonly #channels: Map<string, Map<string, Channel>>
  readonly #values = new Map<string, Map<string, NewestValue>>()

  constructor(devices: Declared[]) {
    this.#channels = new Map(devices.map(({ id, channels }) => [id, new Map(channels.map((channel) => [channel.name, channel]))]))
  }

  take({ device, columns }: Drained): void {
    for (const name in columns.channels) this.#put(device, name, columns.channels[name]!)
  }

  /** By device, then channel. */
  list(): NewestValue[] {
    return [...this.#values.values()].flatMap((values) => [...values.values()])
  }

  #put(device: string, name: string, { t, v }: Column): void {
    const channel = this.#channels.get(device)?.get(name)
    const last = v.at(-1)
    if (!channel || last === undefined) return
    const values = this.#values.get(device) ?? new Map<string, NewestValue>()
    this.#values.set(device, values)
    const value = typeof last === 'number' ? scaled(last, channel) : last
    values.set(name, { device, channel: name, atMs: t.at(-1)!, value, unit: channel.unit })
  }
}
