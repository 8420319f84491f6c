import { crc32 } from 'node:zlib'

/** Check sum of a small record, kept beside it. */
export function checkOfSmall(key: string, value: string): number {
  return crc32(`${key}\n${value}`)
}
