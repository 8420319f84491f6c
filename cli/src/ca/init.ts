import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@millrace/platform'
import { makeAuthority } from './authority.ts'
import { listsIn, writeLists } from './lists.ts'
import { Register } from './register.ts'

export const registerIn = (dir: string) => join(dir, 'authority.sqlite')

/** The authority with its register and its lists, each where it is not there yet. @returns false when there was an authority */
export async function initCa(dir: string, name: string): Promise<boolean> {
  const isNew = await makeAuthority(dir, name)
  if (!existsSync(listsIn(dir).revokedFile)) {
    const register = new Register(registerIn(dir), systemClock)
    await writeLists(dir, register).finally(() => register.close())
  }
  return isNew
}
