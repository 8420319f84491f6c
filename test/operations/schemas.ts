/**
 * The published schemas that the manifests are checked by, out of two PyPI packages that carry them (both Apache-2.0): every
 * version of the Kubernetes API, strict, in kubernetes-validate; the Compose Specification in check-jsonschema. Only their data
 * is taken; nothing of them is installed or run.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { cacheDir, findCached, intoCache } from '../engines/cache.ts'
import { needs, run } from '../engines/command.ts'

const packages = ['kubernetes-validate==1.37.0', 'check-jsonschema==0.39.0']
/** The oldest version that the manifests are meant for, and the newest that there is a schema of. */
export const kubernetesVersions = ['1.30.0', '1.37.0']
const folder = 'manifest-schemas-1.37.0'
const compose = 'compose-spec.json'

/** @throws Error with the reason and the remedy when they are unavailable. */
export async function getSchemas(): Promise<void> {
  if (await findCached(folder)) return
  const python = needs('python3', 'Install Python 3 with pip (Debian: python3-pip).')
  await intoCache(folder, async (dir) => {
    await run(python, ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '-d', dir, ...packages])
    const wheels = readdirSync(dir).filter((name) => name.endsWith('.whl'))
    const wanted = [compose, ...kubernetesVersions.map((version) => `v${version}-local-strict/`)]
    for (const wheel of wheels) {
      await run(python, ['-c', unpack, join(dir, wheel), dir, ...wanted])
      rmSync(join(dir, wheel))
    }
    writeFileSync(join(dir, 'version'), packages.join(', '))
  })
}

/** Writes the members of a wheel that are wanted, below the last folder of their names. */
const unpack = `
import os, sys, zipfile
wheel, to, *wanted = sys.argv[1:]
archive = zipfile.ZipFile(wheel)
for name in archive.namelist():
    parts = name.split('/')
    if parts[-1] in wanted: parts = parts[-1:]
    elif len(parts) > 1 and parts[-2] + '/' in wanted: parts = parts[-2:]
    else: continue
    os.makedirs(os.path.join(to, *parts[:-1]), exist_ok=True)
    open(os.path.join(to, *parts), 'wb').write(archive.read(name))
`

export function composeSchema(): ValidateFunction {
  return new Ajv2020(options).compile(read(compose) as object)
}

/** What says whether an object is of that version's API; undefined where the version has no such kind. */
export function kubernetesSchema(version: string): (kind: string, apiVersion: string) => ValidateFunction | undefined {
  const at = `v${version}-local-strict`
  const ajv = new Ajv2020(options)
  ajv.addSchema(read(`${at}/_definitions.json`) as object, '_definitions.json')
  return (kind, apiVersion) => {
    const [group, number] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    const name = [kind.toLowerCase(), group!.split('.')[0]!, number].filter(Boolean).join('-')
    const known = ajv.getSchema(name)
    if (known) return known
    try {
      ajv.addSchema(read(`${at}/${name}.json`) as object, name)
    } catch {
      return undefined
    }
    return ajv.getSchema(name)
  }
}

const options = { strict: false, validateFormats: false, allErrors: true, validateSchema: false } as const

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(cacheDir, folder, name), 'utf8'))
}
