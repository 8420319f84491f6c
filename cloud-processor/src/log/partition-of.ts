import { fnv1a, fnvStart } from '@millrace/platform'

/** FNV-1a, 32 bit, over the key's UTF-8 bytes, modulo `partitions`: the same in every log, language and version. */
export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0
  let hash = fnvStart
  for (const byte of Buffer.from(key)) hash = fnv1a(hash, byte)
  return (hash >>> 0) % partitions
}
