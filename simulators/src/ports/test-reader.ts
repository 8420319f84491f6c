/** For tests: reads a port as an agent would, from a pseudo-terminal or a TCP connection. */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import type { PortAddress } from './port.ts'

export interface Reader {
  /** All bytes so far. */
  bytes(): Buffer
  /** The device was pulled. */
  ended(): boolean
  /** Stops reading, and keeps the port open. */
  pause(): void
  resume(): void
  write(bytes: Uint8Array): void
  close(): void
}

export function openReader(address: PortAddress, listener: (chunk: Uint8Array) => void = () => {}): Reader {
  return address.kind === 'tcp' ? openTcp(address.port, listener) : openSerial(address.path, listener)
}

function openSerial(path: string, listener: (chunk: Uint8Array) => void): Reader {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
  const chunks: Uint8Array[] = []
  const buffer = Buffer.alloc(65_536)
  let ended = false
  let isPaused = false
  const timer = setInterval(() => {
    if (isPaused) return
    try {
      for (;;) {
        const length = readSync(descriptor, buffer)
        if (length === 0) ended = true
        if (length === 0) return
        const chunk = Buffer.from(buffer.subarray(0, length))
        chunks.push(chunk)
        listener(chunk)
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') ended = true
    }
  }, 5)
  return {
    bytes: () => Buffer.concat(chunks),
    ended: () => ended,
    pause() {
      isPaused = true
    },
    resume() {
      isPaused = false
    },
    write: (bytes) => void writeSync(descriptor, bytes),
    close() {
      clearInterval(timer)
      closeSync(descriptor)
    },
  }
}

function openTcp(port: number, listener: (chunk: Uint8Array) => void): Reader {
  const chunks: Uint8Array[] = []
  let ended = false
  const socket = connect(port, '127.0.0.1')
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    listener(chunk)
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
  })
  return {
    bytes: () => Buffer.concat(chunks),
    ended: () => ended,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    write: (bytes) => void socket.write(bytes),
    close: () => socket.destroy(),
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits until it is so. @throws Error after `limitMs`. */
export async function until(isSo: () => boolean, limitMs = 5000): Promise<void> {
  for (const from = performance.now(); !isSo(); await sleep(5))
    if (performance.now() - from > limitMs) throw new Error(`not so after ${limitMs} ms`)
}
