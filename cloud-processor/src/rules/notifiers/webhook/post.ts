export { lookupElsewhere } from '../post.ts'
