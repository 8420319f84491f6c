import fc from 'fast-check'
import { expect, test } from 'vitest'
import { processorSchema } from '../../cloud-processor/src/config.ts'
import { files, keysOf } from '../../docs/generate/configuration.ts'
import { loadConfig } from '../../platform/src/config.ts'
import { override } from '../../platform/src/overrides.ts'

/** Every key as the reference page names it, with the first entry for a list and `x` for a name that the user chooses. */
const keys = files.flatMap(({ file, schema }) =>
  keysOf(schema).map(({ path }) => {
    const keyPath = path
      .replace(/ \([^)]*\)/g, '')
      .replaceAll('[]', '.0')
      .replaceAll('*', 'x')
      .split('.')
    return { file, schema, keyPath }
  }),
)

/** `bytesMax`: BYTESMAX, or cut before some of its capitals and at its dashes, BYTES_MAX. */
const spellings = (key: string, cuts: boolean[]) => {
  let at = 0
  const cut = (rest: string) => (cuts[at++ % cuts.length] ? `_${rest}` : rest)
  return key
    .replace(/[A-Z]/g, cut)
    .replace(/-/g, () => cut(''))
    .toUpperCase()
}

test.each(keys.map(({ file, schema, keyPath }) => [file, keyPath.join('.'), schema] as const))('%s: %s', (_, path, schema) => {
  const keyPath = path.split('.')
  const name = `MILLRACE_${keyPath.map((key) => spellings(key, [false])).join('_')}`
  expect(override(schema, {}, { [name]: 'some text' })).toHaveProperty(keyPath, 'some text')
})

test('a key may be cut into words, where that names no other key', () => {
  const letters = ({ file, keyPath }: (typeof keys)[number]) =>
    `${file} ${keyPath.map((key) => spellings(key, [false])).join('')}`
  const others = Map.groupBy(keys, letters)
  const unmistakable = keys.filter((key) => new Set(others.get(letters(key))!.map(({ keyPath }) => `${keyPath}`)).size === 1)
  expect(unmistakable.length).toBeGreaterThan(200)
  fc.assert(
    fc.property(fc.nat(unmistakable.length - 1), fc.array(fc.boolean(), { minLength: 1 }), (at, cuts) => {
      const { schema, keyPath } = unmistakable[at]!
      const name = `MILLRACE_${keyPath.map((key) => spellings(key, cuts)).join('_')}`
      expect(override(schema, {}, { [name]: 'some text' }), name).toHaveProperty(keyPath, 'some text')
    }),
    { numRuns: 3000 },
  )
})

test('below the kinds of a log and a store as well', () => {
  const env = {
    MILLRACE_LOG_TAILBYTESMAX: '7',
    MILLRACE_LOG_RETENTION_RAW_HOURS_MAX: '9',
    MILLRACE_STORE_KIND: 'influxdb',
    MILLRACE_STORE_TOKENFILE: '/run/secrets/token',
    MILLRACE_PREPARE_LIMITS_PLAIN_DEVICES: '11',
  }
  const { log, store, prepare } = loadConfig(processorSchema, undefined, env)
  expect(log).toMatchObject({ tailBytesMax: 7, retention: { raw: { hoursMax: 9 } } })
  expect(store).toMatchObject({ kind: 'influxdb', tokenFile: '/run/secrets/token' })
  expect(prepare.limits.plainDevices).toBe(11)
})
