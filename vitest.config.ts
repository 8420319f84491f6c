import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['*/src/**/*.test.ts', 'test/{tidy,failures,engines,formats}/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
    // Of 340 files each imported all that it stands on: a third of the time. A test leaves nothing behind that others could see.
    isolate: false,
    maxWorkers: 3,
    // A shared CI machine may stall a test past its wait; a second try tells that from a fault. At a desk there is none.
    retry: process.env.CI ? 1 : 0,
  },
})
