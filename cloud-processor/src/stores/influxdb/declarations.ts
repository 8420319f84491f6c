/** Channels as their devices declared them last; remembered for a moment, since a long answer asks again for each of its pages. */
import type { Channel } from '@millrace/contract'
import type { Clock } from '@millrace/platform'
import type { Stretch } from '../store.ts'
import type { Dialect } from './dialects/index.ts'
import * as schema from './schema.ts'

const rememberedMs = 2000
const rememberedMax = 1000

export interface Declarations {
  of(stretch: Pick<Stretch, 'device' | 'channel'>): Promise<Channel | undefined>
  forget(): void
}

export function createDeclarations(dialect: Dialect, clock: Clock): Declarations {
  const remembered = new Map<string, { atMs: number; channel: Promise<Channel | undefined> }>()
  return {
    of({ device, channel }) {
      const key = `${device}\n${channel}`
      const known = remembered.get(key)
      if (known && clock.monotonic() - known.atMs < rememberedMs) return known.channel
      if (remembered.size >= rememberedMax) remembered.clear()
      const asked = newest(dialect, { device, channel })
      asked.catch(() => remembered.delete(key))
      remembered.set(key, { atMs: clock.monotonic(), channel: asked })
      return asked
    },
    forget: () => remembered.clear(),
  }
}

/** What was declared otherwise when it was written is given in today's steps. */
async function newest(dialect: Dialect, where: { device: string; channel: string }): Promise<Channel | undefined> {
  const rows = await dialect.newest(schema.channel, where)
  const newest = rows.sort((a, b) => b.us - a.us)[0]
  return newest && JSON.parse(`${newest.values.declaration}`)
}
