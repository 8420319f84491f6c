import { readFileSync } from 'node:fs'
import { MillraceError } from './errors.ts'

/**
 * A password or token: the first line of a file, without the blanks and the line end behind it. It is read at each use, so that it
 * can rotate. `key` is the configuration's key that names the file. @throws MillraceError CONFIG_INVALID
 */
export function readSecret(path: string, key: string): string {
  try {
    return firstLine(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new MillraceError(
      'CONFIG_INVALID',
      { path: key, detail: `${path} cannot be read (${(cause as Error).message})` },
      cause,
    )
  }
}

/** Without the blanks and the line end behind it. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trimEnd()
}
