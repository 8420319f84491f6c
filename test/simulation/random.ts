export { createRandom, type Random } from '../../simulators/src/signals/random.ts'
