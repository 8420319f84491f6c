export { type Api, openApi } from './api.ts'
export { type Running, type UpOptions, up } from './up/up.ts'
export { align } from './verify/align.ts'
export { type Verdict, verify, verifyDefaults } from './verify/verify.ts'
