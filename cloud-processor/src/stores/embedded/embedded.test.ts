import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLog } from '@millrace/contract/service'
import { describeStore } from '../conformance.ts'
import { type EmbeddedStore, openEmbeddedStore } from './embedded.ts'

const around = () => ({ log: silentLog, metrics: createMetrics() })

describeStore('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  return {
    open: () => openEmbeddedStore({ path: join(dir, 'store.sqlite') }, around()),
    settle: (store) => (store as EmbeddedStore).merge(),
    remove: () => rm(dir, { recursive: true }),
  }
})
