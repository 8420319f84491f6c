/** What a package contains, as CycloneDX 1.6 says it: each component with its version, licence and the hash of its archive. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownValue } from '@millrace/platform'

interface Locked {
  version: string
  license?: string
  integrity?: string
}

export interface Contents {
  /** Of Millrace. */
  version: string
  /** Below node_modules of the checkout. */
  packages: string[]
}

/** @param root of the checkout, whose package-lock.json says what was installed. */
export function sbomOf(root: string, { version, packages }: Contents): object {
  const { packages: locked } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'application', name: 'millrace-agent', version, licenses: [{ license: { id: 'Apache-2.0' } }] },
    },
    components: packages.map((at) => component(at, ownValue<Locked>(locked, `node_modules/${at}`)!)),
  }
}

function component(at: string, { version, license, integrity }: Locked): object {
  const name = at.split('node_modules/').at(-1)!
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [license?.includes(' ') ? { expression: license } : { license: { id: license } }],
    ...(integrity
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }] }
      : {}),
  }
}
