/** A node of OpenSearch or Elasticsearch, by a launcher from the jars in the cache. */
import { join } from 'node:path'
import { findCached } from './cache.ts'
import type { RunningEngine, StartOptions } from './engine.ts'
import { startProcess } from './engine-process.ts'
import { answersHttp } from './health.ts'
import { frugal, java } from './maven.ts'
import { stablePort } from './ports.ts'

export type Settings = Record<string, string | number | boolean>

export interface SearchOptions extends StartOptions {
  /** Over the defaults, by their names in the engine's own configuration. */
  settings?: Settings
}

interface SearchNode {
  name: string
  /** Of the cache. */
  folder: string
  /** How it is got, for who has it not. */
  command: string
  /** A class of the cache, and what it is given before the settings. */
  launcher: string[]
  /** Of this engine alone. */
  own: Settings
}

export async function startSearchNode(node: SearchNode, { dir, port, settings }: SearchOptions): Promise<RunningEngine> {
  const found = await findCached(node.folder)
  if (!found) throw new Error(`${node.name} is not there. Run: ${node.command}`)
  const listen = port ?? (await stablePort())
  const address = `http://127.0.0.1:${listen}`
  const all: Settings = {
    'network.host': '127.0.0.1',
    'http.port': listen,
    'transport.port': await stablePort(),
    'discovery.type': 'single-node',
    // A test machine's disk may be nearly full with other things.
    'cluster.routing.allocation.disk.threshold_enabled': false,
    ...node.own,
    ...settings,
  }
  const classpath = [join(found.where, 'lib', '*'), join(found.where, 'classes')].join(':')
  const given = Object.entries(all).map((entry) => entry.join('='))
  return startProcess({
    name: node.name,
    address,
    dir,
    command: java(),
    args: [...frugal, '-Xmx512m', '-cp', classpath, ...node.launcher, ...given],
    isHealthy: () => answersHttp(`${address}/_cluster/health?wait_for_status=yellow&timeout=1s`),
    healthyWithinMs: 180_000,
  })
}
