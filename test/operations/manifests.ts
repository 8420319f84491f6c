/** The files in operations/, as objects. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

export const operations = fileURLToPath(new URL('../../operations', import.meta.url))

/** Of a Kubernetes manifest what is looked at here. */
export interface Manifest {
  file: string
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string }
  data?: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: each kind has another; the published schemas say which
  spec?: any
}

export function kubernetesManifests(): Manifest[] {
  const folder = join(operations, 'kubernetes')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
        for (const error of document.errors) throw error
        return { file, ...(document.toJS() as Omit<Manifest, 'file'>) }
      }),
    )
}

export interface ComposeService {
  image?: string
  command?: string[]
  configs?: (string | { source: string; target: string })[]
  secrets?: string[]
  volumes?: string[]
  ports?: unknown[]
  environment?: Record<string, string>
  network_mode?: string
  read_only?: boolean
  cap_drop?: string[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
}

export interface Compose {
  services: Record<string, ComposeService>
  configs: Record<string, { file: string }>
  secrets: Record<string, { file: string }>
  volumes: Record<string, unknown>
}

export function composeFile(): Compose {
  return parse(readFileSync(join(operations, 'compose.yaml'), 'utf8'), { merge: true })
}
