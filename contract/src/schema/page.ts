import { stringify } from 'yaml'
import { asyncApi } from './asyncapi.ts'

/** docs/reference/asyncapi.yaml. */
export function asyncApiPage(): string {
  const head = '# Made by `npm run docs` from contract/src/records. Do not edit.\n'
  return head + stringify(asyncApi(), { lineWidth: 0, blockQuote: 'literal', aliasDuplicateObjects: false })
}
