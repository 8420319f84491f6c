/** Plays a capture file at a rate, as if it came from a device, and falls silent at its end. For tests and demonstrations. */
import { closeSync, openSync, readSync } from 'node:fs'
import { z } from 'zod'
import type { BusPlugin } from '../bus.ts'

const schema = z.strictObject({
  path: z.string().min(1).describe('The file that is read as if it were a line'),
  bytesPerSecond: z.number().positive().default(11_520).describe('11,520 is 115,200 baud'),
  chunkMs: z.number().int().positive().default(50).describe('Time between two reads'),
})

export const file: BusPlugin<z.infer<typeof schema>> = {
  kind: 'file',
  schema,
  hasLink: false,
  isLive: false,
  create({ path, bytesPerSecond, chunkMs }, { clock }) {
    let handle: number | undefined
    let cancel = () => {}

    function close(): void {
      cancel()
      if (handle !== undefined) closeSync(handle)
      handle = undefined
    }

    return {
      start(listener) {
        const startMs = clock.now()
        try {
          handle = openSync(path, 'r')
        } catch (error) {
          return listener.lost(startMs, 'unplugged', (error as Error).message)
        }
        listener.opened(startMs)
        // By elapsed time, not by number of calls: timers come late.
        const startTime = clock.monotonic()
        let sent = 0
        const play = () => {
          const due = Math.floor(((clock.monotonic() - startTime) * bytesPerSecond) / 1000) - sent
          const chunk = Buffer.alloc(Math.max(0, Math.min(due, 1 << 20)))
          const length = readSync(handle!, chunk)
          sent += length
          if (length > 0) listener.bytes(chunk.subarray(0, length), clock.now())
          if (length === 0 && chunk.length > 0) close()
          else cancel = clock.after(chunkMs, play)
        }
        cancel = clock.after(chunkMs, play)
      },
      write() {},
      stop: async () => close(),
    }
  },
}
