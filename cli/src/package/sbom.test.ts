import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packagesOf } from './packages.ts'
import { sbomOf } from './sbom.ts'

const root = join(import.meta.dirname, '../../..')

test('each package that is shipped is a component with its version, licence and hash', () => {
  const packages = packagesOf(['mqtt', 'serialport'], join(root, 'edge-agent')).map(({ at }) => at)
  const { components } = sbomOf(root, { version: '1.2.3', packages }) as { components: Record<string, unknown>[] }
  expect(components.length).toBe(packages.length)
  for (const one of components)
    expect(one).toEqual({
      type: 'library',
      name: expect.any(String),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      purl: expect.stringMatching(/^pkg:npm\/(%40[^/]+\/)?[^@/]+@\d/),
      licenses: [{ license: { id: expect.any(String) } }],
      hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
    })
  expect(components.map(({ name }) => name)).toEqual(expect.arrayContaining(['mqtt', 'serialport', '@serialport/bindings-cpp']))
})
