/** What of a version writes and reads its files: of this one, or of an earlier one whose code is in another folder. */
import { join, resolve } from 'node:path'

export interface Version {
  platform: Pick<typeof import('@millrace/platform'), 'createMetrics' | 'silentLog' | 'systemClock'>
  outbox: typeof import('@millrace/edge-agent/outbox')
  log: typeof import('@millrace/cloud-processor/log')
  stages: typeof import('@millrace/cloud-processor/stage')
  stores: typeof import('@millrace/cloud-processor/stores')
  prepare: typeof import('@millrace/cloud-processor/prepare')
  rules: typeof import('@millrace/cloud-processor/rules')
  notifications: Pick<typeof import('../../cloud-processor/src/rules/outbox.ts'), 'openOutbox'>
  sessions: Pick<typeof import('../../broker/src/sessions/store/file.ts'), 'openFile'>
  users: Pick<typeof import('../../broker/src/access/users-file.ts'), 'parseUsers'>
  manifests: typeof import('../../simulators/src/manifest/index.ts')
}

const files: Record<Exclude<keyof Version, 'platform'>, string> = {
  outbox: 'edge-agent/src/outbox/index.ts',
  log: 'cloud-processor/src/log/index.ts',
  stages: 'cloud-processor/src/stage/index.ts',
  stores: 'cloud-processor/src/stores/index.ts',
  prepare: 'cloud-processor/src/prepare/index.ts',
  rules: 'cloud-processor/src/rules/index.ts',
  notifications: 'cloud-processor/src/rules/outbox.ts',
  sessions: 'broker/src/sessions/store/file.ts',
  users: 'broker/src/access/users-file.ts',
  manifests: 'simulators/src/manifest/index.ts',
}

/** @param platform where that version had it. */
export async function loadVersion(folder: string, platform = 'platform/src/index.ts'): Promise<Version> {
  const load = async ([part, file]: [string, string]) => [part, await import(join(resolve(folder), file))]
  const parts = await Promise.all(Object.entries({ ...files, platform }).map(load))
  return Object.fromEntries(parts) as Version
}
