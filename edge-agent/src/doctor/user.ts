/** The checks are made as the user that the agent runs as, the owner of its data folder. */
import { existsSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, resolve } from 'node:path'
import { type Finding, ok, warning } from './finding.ts'

/** Root becomes that user for the rest of this process, so that no file is left that the agent may not write. */
export function becomeOwner(dataDir: string): Finding {
  const { uid, gid } = statSync(existing(resolve(dataDir)))
  const own = process.getuid?.()
  if (own === 0 && uid !== 0) {
    // Node's types do not have it.
    ;(process as unknown as { initgroups(uid: number, gid: number): void }).initgroups(uid, gid)
    process.setgid!(gid)
    process.setuid!(uid)
    return ok('user', `checked as ${nameOf()}, the owner of ${dataDir}`)
  }
  if (own !== undefined && own !== uid && existsSync(dataDir))
    return warning(
      'user',
      `${dataDir} is of another user (${uid}) than yours (${own})`,
      'Run the doctor as that user, or as root.',
    )
  return ok('user', `checked as ${nameOf()}`)
}

export function nameOf(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.()}`
  }
}

function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path))
}
