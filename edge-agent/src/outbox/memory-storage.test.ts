import { describe } from 'vitest'
import { storageConformance } from './conformance.ts'
import { memoryStorage } from './memory-storage.ts'

describe('memory storage', () => {
  const storage = memoryStorage()
  storageConformance(() => storage)
})
