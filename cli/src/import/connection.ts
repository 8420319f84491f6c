/** Who the import is to the broker, and where that is: by the job, else by `millrace up`, which made an account for it. */
import { basename, dirname, extname, join } from 'node:path'
import { uplinkSchema } from '@millrace/edge-agent/uplink'
import { MillraceError } from '@millrace/platform'
import { readUp } from '../api.ts'
import type { Job } from './job.ts'
import type { NodeOptions } from './node.ts'

/** @throws MillraceError IMPORT_BROKER */
export function nodeOptionsOf(job: Job, path: string, data: string): NodeOptions {
  const { host, outboxBytesMax, uplink } = job
  const known = uplink ? { group: 'millrace', node: 'import', uplink } : ofUp(data, path)
  const dataDir = job.dataDir ?? join(dirname(path), `${basename(path, extname(path))}.import`)
  const { group = known.group, node = known.node } = job
  return { group, node, host, dataDir, outboxBytesMax, uplink: known.uplink }
}

function ofUp(data: string, path: string): Pick<NodeOptions, 'group' | 'node' | 'uplink'> {
  const known = readUp(data)?.import
  if (!known) throw new MillraceError('IMPORT_BROKER', { path, file: join(data, 'up.json') })
  return { ...known, uplink: uplinkSchema.parse(known.uplink) }
}
