/** The files of a job, in the order in which they are read. */
import { globSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import { MillraceError } from '@millrace/platform'
import type { Source } from './job.ts'

export interface SourceFile {
  source: Source
  path: string
  /** Of its watermark. */
  key: string
  /** Of the file with what is refused of it, without its ending. */
  rejects: string
}

/** @throws MillraceError IMPORT_FILE for a pattern without a file, and for a file that two sources read under one name */
export function filesOf(sources: Source[]): SourceFile[] {
  const files = sources.flatMap((source) => source.files.flatMap((pattern) => matching(pattern, source)))
  const keys = new Set<string>()
  for (const { key, path } of files) {
    if (keys.has(key))
      throw new MillraceError('IMPORT_FILE', { path, detail: 'it is read twice: give one of the sources a name' })
    keys.add(key)
  }
  return files
}

function matching(pattern: string, source: Source): SourceFile[] {
  const paths = globSync(pattern).map((path) => resolve(path))
  if (paths.length === 0) throw new MillraceError('IMPORT_FILE', { path: pattern, detail: 'no file matches' })
  return paths.sort().map((path) => {
    const key = `import/${source.name}:${path}`
    return { source, path, key, rejects: `${basename(path)}-${crc32(key).toString(16)}` }
  })
}
