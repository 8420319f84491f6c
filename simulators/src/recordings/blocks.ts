/** Reads a file of any size a block at a time. */
import { closeSync, openSync, readSync } from 'node:fs'
import { invalidRecording } from './invalid.ts'

const blockBytes = 65_536

/** @throws MillraceError RECORDING_INVALID where the file cannot be read. */
export function* readBlocks(path: string, bytes = blockBytes): Generator<Uint8Array> {
  const descriptor = open(path)
  try {
    for (;;) {
      const block = Buffer.alloc(bytes)
      const got = readSync(descriptor, block)
      if (got === 0) return
      yield block.subarray(0, got)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Lines with their line ends, byte for byte; what is longer than `bytesMax` comes in pieces. */
export function* readLines(path: string, bytesMax = 4096): Generator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0)
  for (const block of readBlocks(path)) {
    let bytes: Uint8Array = rest.length === 0 ? block : Buffer.concat([rest, block])
    for (;;) {
      const end = bytes.indexOf(10) + 1 || (bytes.length >= bytesMax ? bytesMax : 0)
      if (end === 0) break
      yield bytes.subarray(0, Math.min(end, bytesMax))
      bytes = bytes.subarray(Math.min(end, bytesMax))
    }
    rest = bytes
  }
  if (rest.length > 0) yield rest
}

function open(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    throw invalidRecording(path, cause instanceof Error ? cause.message : `${cause}`, cause)
  }
}
