/**
 * A pseudo-terminal whose far end a test holds, from the native part of `@lydell/node-pty`, which the simulators depend on.
 * The terminal class of that package is of no use here: it reads the near end away.
 */
import { closeSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ReadStream } from 'node:tty'

export interface Pty {
  /** What the agent opens. */
  path: string
  /** The instrument's side, to read. Its own `write` blocks the process when the terminal is full. */
  far: ReadStream
  /** Writes what the terminal takes; returns how much. */
  offer(bytes: Uint8Array): number
  send(bytes: Uint8Array): Promise<void>
  /** Pulls the plug. */
  unplug(): void
}

export function openPty(): Pty {
  const nodePty = createRequire(import.meta.url).resolve('@lydell/node-pty')
  const native = createRequire(nodePty)(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`)
  const { master, slave, pty } = native.open(80, 24) as { master: number; slave: number; pty: string }
  const far = new ReadStream(master)
  let isPlugged = true
  far.on('error', () => {})

  function offer(bytes: Uint8Array): number {
    try {
      return writeSync(master, bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
      throw error
    }
  }

  return {
    path: pty,
    far,
    offer,
    async send(bytes) {
      for (let sent = 0; sent < bytes.length; ) {
        const taken = offer(bytes.subarray(sent, sent + 4096))
        sent += taken
        if (taken === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    },
    unplug() {
      if (!isPlugged) return
      isPlugged = false
      far.destroy()
      closeSync(slave)
    },
  }
}
