import { MillraceError } from '@millrace/contract/service'

export function invalidRecording(path: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError('RECORDING_INVALID', { path, detail }, cause)
}
