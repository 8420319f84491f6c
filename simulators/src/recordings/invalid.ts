import { MillraceError } from '@millrace/platform'

export function invalidRecording(path: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError('RECORDING_INVALID', { path, detail }, cause)
}
