/**
 * A serial port that is a pseudo-terminal. The simulator holds the master side; the reader opens the slave side by a link
 * with a stable name, `<dir>/<device>`, which leads to another /dev/pts/N after every plug, as a USB adapter's would.
 *
 * - Raw mode is set through the master: on Linux the terminal settings of a pair are those of its slave. Without it the
 *   line discipline echoes, and swallows control bytes.
 * - A read of the master fails with EIO while nobody has the slave open, and with EAGAIN when a reader has sent nothing.
 *   A write would succeed either way, and be delivered to the next reader, stale: so we look before we write.
 * - What a reader left unread when it went stays in the kernel; a UART would have lost it, so it is read away then.
 * - The master does not block. The kernel takes about 19 KiB (Linux 6) before it says EAGAIN, some of a frame included.
 */
import { closeSync, constants, openSync, readSync, renameSync, rmSync, symlinkSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ReadStream } from 'node:tty'
import { MillraceError, makeFolder } from '@millrace/platform'
import type { Port } from './port.ts'

interface Pair {
  master: number
  slave: number
  /** Path of the slave side. */
  pty: string
}

/** @throws MillraceError SIMULATOR_PTY from `plug` where the platform's binary of node-pty is missing or refuses. */
export function createPtyPort(dir: string, device: string): Port {
  const path = join(dir, device)
  const sink = Buffer.allocUnsafe(4096)
  let line: ReadStream | undefined
  let pair: Pair | undefined
  let read = false
  return {
    address: () => ({ kind: 'serial', path }),
    async plug() {
      pair = openPair()
      line = new ReadStream(pair.master)
      line.setRawMode(true)
      // With our own descriptor of the slave closed, EIO tells readers from none.
      closeSync(pair.slave)
      read = false
      makeFolder(dir, 0o755)
      link(pair.pty, path)
    },
    hasReader() {
      if (!pair) return false
      const before = read
      read = drain(pair.master, sink) === 'EAGAIN'
      if (before && !read) discardUnread(pair.pty, sink)
      return read
    },
    write: (bytes) => (pair ? writeWhatFits(pair.master, bytes) : 0),
    unplug() {
      rmSync(path, { force: true })
      // Closes the master: the reader's next read is the end of the file.
      line?.destroy()
      line = pair = undefined
    },
  }
}

function openPair(): Pair {
  try {
    const node = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'))
    const native = node(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`) as {
      open(cols: number, rows: number): Pair
    }
    return native.open(80, 24)
  } catch (cause) {
    throw new MillraceError(
      'SIMULATOR_PTY',
      { detail: cause instanceof Error ? cause.message.split('\n')[0]! : `${cause}` },
      cause,
    )
  }
}

/** A link is replaced in one step: a reader never finds half of it. */
function link(target: string, path: string): void {
  const fresh = `${path}.new`
  rmSync(fresh, { force: true })
  symlinkSync(target, fresh)
  renameSync(fresh, path)
}

function writeWhatFits(master: number, bytes: Uint8Array): number {
  try {
    return writeSync(master, bytes)
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return 0
    throw error
  }
}

/** Reads all there is; says what ended it. */
function drain(descriptor: number, sink: Buffer): string {
  try {
    while (readSync(descriptor, sink) > 0);
    return 'end'
  } catch (error) {
    return codeOf(error)
  }
}

function discardUnread(pty: string, sink: Buffer): void {
  try {
    const slave = openSync(pty, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK)
    drain(slave, sink)
    closeSync(slave)
  } catch {
    // A reader opened it exclusively in between; the agent flushes when it opens.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown'
}
