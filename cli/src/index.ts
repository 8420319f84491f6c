export { type Api, openApi } from './api.ts'
export { type Running, up } from './up/up.ts'
export { align } from './verify/align.ts'
export { verify, verifyDefaults } from './verify/verify.ts'
