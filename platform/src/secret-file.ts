import { readFileSync, statSync } from 'node:fs'
import { MillraceError } from './errors.ts'
import { createLog } from './log.ts'

/**
 * A password or token: the first line of a file, without the blanks and the line end behind it. It is read at each use, so that it
 * can rotate. `key` is the configuration's key that names the file. @throws MillraceError CONFIG_INVALID
 */
export function readSecret(path: string, key: string): string {
  try {
    warnWhenOpen(path, key)
    return firstLine(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new MillraceError(
      'CONFIG_INVALID',
      { path: key, detail: `${path} cannot be read (${(cause as Error).message})` },
      cause,
    )
  }
}

/** Where Docker and Kubernetes put secrets, mode 0444 or 0644, for the container alone. */
const mounted = /^(?:\/var)?\/run\/secrets\//
const warned = new Set<string>()

/** Refused it would end installations that work, and who can read it may have done so already: docs/decisions/0019. A command's own output stays as it is. */
function warnWhenOpen(path: string, key: string): void {
  const isTyped = key.startsWith('--')
  if (isTyped || warned.has(path) || mounted.test(path) || (statSync(path).mode & 0o004) === 0) return
  warned.add(path)
  createLog('secrets').warn(`other users can read this secret; \`chmod 600 ${path}\` closes it`, { key, path })
}

/** Without the blanks and the line end behind it. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trimEnd()
}
