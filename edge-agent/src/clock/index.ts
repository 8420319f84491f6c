export { type Boot, readBoot } from './boot.ts'
export { Clocks } from './clocks.ts'
