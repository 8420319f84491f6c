export { asyncApi } from './asyncapi.ts'
