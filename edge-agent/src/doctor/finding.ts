/** What the doctor found. */
export interface Finding {
  check: 'configuration' | 'user' | 'disk' | 'clock' | 'device' | 'network' | 'tls' | 'certificate' | 'broker' | 'processor'
  level: 'ok' | 'warning' | 'wrong'
  says: string
  /** What to do; of an `ok` there is nothing to be done. */
  remedy?: string
}

export type Check = Finding['check']

export const ok = (check: Check, says: string): Finding => ({ check, level: 'ok', says })
export const warning = (check: Check, says: string, remedy: string): Finding => ({ check, level: 'warning', says, remedy })
export const wrong = (check: Check, says: string, remedy: string): Finding => ({ check, level: 'wrong', says, remedy })
