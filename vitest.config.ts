import { defineConfig } from 'vitest/config'

const all = ['*/src/**/*.test.ts', 'test/{tidy,failures,engines,formats}/**/*.test.ts']
/** Tests that measure the memory of their process. */
const alone = ['broker/src/hostile.test.ts']

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
    maxWorkers: 4,
    // A shared CI machine may stall a test past its wait; a second try tells that from a fault. At a desk there is none.
    retry: process.env.CI ? 1 : 0,
    projects: [
      // Of 320 files each imported all that it stands on: a third of the time. A test leaves nothing behind that others could see.
      { extends: true, test: { name: 'together', include: all, exclude: [...alone, '**/node_modules/**'], isolate: false } },
      { extends: true, test: { name: 'alone', include: alone, isolate: true } },
    ],
  },
})
