/** QuestDB: takes the InfluxDB write API (`/api/v2/write`, `/write`), answers SQL over HTTP (`/exec`) and over PostgreSQL's wire. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findCached } from '../cache.ts'
import type { Engine, RunningEngine, StartOptions } from '../engine.ts'
import { startProcess } from '../engine-process.ts'
import { answersHttp } from '../health.ts'
import { frugal, getJars, java } from '../maven.ts'
import { stablePort } from '../ports.ts'

export interface QuestdbOptions extends StartOptions {
  /** Over the defaults, by QuestDB's own names as environment variables, such as `QDB_CAIRO_MAX_UNCOMMITTED_ROWS`. */
  settings?: Record<string, string>
}

export interface RunningQuestdb extends RunningEngine {
  /** `host:port` of PostgreSQL's wire protocol; user admin, password quest, database qdb. */
  postgres?: string
}

const version = '9.3.4'
const folder = `questdb-${version}`

export const questdb: Engine<QuestdbOptions, RunningQuestdb> = {
  name: 'questdb',
  what: 'a time-series store with the InfluxDB write API and SQL',
  from: `Maven org.questdb:questdb:${version}, 29 MB`,
  variable: 'ENGINE_QUESTDB',
  protocol: 'http',
  find: () => findCached(folder),
  get: () => getJars({ folder, artifacts: [`org.questdb:questdb:${version}`] }),
  async start({ dir, port, settings }) {
    const found = await findCached(folder)
    if (!found) throw new Error('QuestDB is not there. Run: npm run engines -- questdb')
    const listen = `127.0.0.1:${port ?? (await stablePort())}`
    const postgres = `127.0.0.1:${await stablePort()}`
    const data = join(dir, 'data')
    mkdirSync(data, { recursive: true })
    const running = await startProcess({
      name: 'QuestDB',
      address: `http://${listen}`,
      dir,
      command: java(),
      args: [...frugal, '-Xmx512m', '-p', join(found.where, 'lib'), '-m', 'io.questdb/io.questdb.ServerMain', '-d', data],
      env: {
        QDB_HTTP_BIND_TO: listen,
        QDB_PG_NET_BIND_TO: postgres,
        QDB_HTTP_MIN_ENABLED: 'false',
        QDB_LINE_TCP_ENABLED: 'false',
        QDB_TELEMETRY_ENABLED: 'false',
        QDB_SHARED_WORKER_COUNT: '2',
        ...settings,
      },
      isHealthy: () => answersHttp(`http://${listen}/exec?query=select%201`),
    })
    return Object.assign(running, { postgres })
  },
}
