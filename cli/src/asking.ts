/** Options of a command that asks a processor, and how its answer is printed. */
import { type Api, findUrl, openApi } from './api.ts'

export const data = { type: 'string', default: 'millrace-data' } as const
export const json = { type: 'boolean', default: false } as const
export const asking = {
  data,
  json,
  url: { type: 'string' },
  user: { type: 'string' },
  'password-file': { type: 'string' },
} as const

type Asking = { url?: string | undefined; data: string; user?: string | undefined; 'password-file'?: string | undefined }

/** Which processor, and who asks. */
export function apiOf({ url, data, user, 'password-file': passwordFile }: Asking): Api {
  const credential = user === undefined ? undefined : { user, passwordFile }
  return openApi(findUrl(url, data), credential)
}

export function print(isJson: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${isJson ? JSON.stringify(value, null, 2) : text()}\n`)
}
