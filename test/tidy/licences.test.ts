import { expect, test } from 'vitest'
import { lockedPackages } from '../../docs/generate/notice.ts'

/** They allow what Apache-2.0 allows, and ask for no more than their text and their notice. MIT-0 asks not even for that. */
const allowed = [
  'MIT',
  'MIT-0',
  'Apache-2.0',
  'MIT OR Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
]
/** Two of them at once. */
const both = '(Apache-2.0 AND BSD-3-Clause)'
/** Never part of what is shipped: programs that check and test. */
const allowedInTests = [...allowed, both, 'MPL-2.0']

test('every package has a licence that Apache-2.0 goes with', () => {
  const wrong = lockedPackages().filter(({ licence, isDev }) => !(isDev ? allowedInTests : [...allowed, both]).includes(licence))
  expect(
    wrong.map(({ name, version, licence }) => `${name} ${version}: ${licence}`),
    'Use another package, or read the licence and add it to the list with the reason.',
  ).toEqual([])
})

test('every package is locked by its hash, and none comes from elsewhere than the registry', () => {
  const wrong = lockedPackages().filter(
    ({ resolved, integrity }) =>
      !integrity.startsWith('sha512-') || (resolved !== '' && !resolved.startsWith('https://registry.npmjs.org/')),
  )
  expect(wrong.map(({ name, resolved }) => `${name} ${resolved}`)).toEqual([])
  expect(lockedPackages().length).toBeGreaterThan(100)
})
