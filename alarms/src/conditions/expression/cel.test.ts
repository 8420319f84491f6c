import { afterAll, expect, test, vi } from 'vitest'

/** As in a package of the agent, which does not carry it. */
test('where the library is not installed a rule with an expression is refused, with a remedy', async () => {
  vi.doMock('node:module', () => ({
    createRequire: () => () => {
      throw new Error('Cannot find module')
    },
  }))
  vi.resetModules()
  const { faultIn } = await import('./cel.ts')
  expect(faultIn('hr > 1.0', ['hr'])).toBe('@bufbuild/cel is not installed here: give this rule to the processor')
})

// Other files run in the same process.
afterAll(() => {
  vi.doUnmock('node:module')
  vi.resetModules()
})
