/** A YAML file whose faults are told with their lines. */
import { readFileSync } from 'node:fs'
import { isNode, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'

export interface Source {
  path: string
  value: unknown
  /** `rules.yaml:7`, of the innermost node of a path that is there. */
  at(path: PropertyKey[]): string
}

/** @throws Error that names the file, the line and what is wrong. */
export function readSource(path: string): Source {
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines })
  const where = (offset: number) => `${path}:${lines.linePos(offset).line}`
  const [error] = document.errors
  if (error) throw new Error(`${where(error.pos[0])}: ${error.message.split('\n')[0]}`, { cause: error })
  const at = (keys: PropertyKey[]): string => {
    for (let length = keys.length; length > 0; length--) {
      const node = document.getIn(keys.slice(0, length), true)
      if (isNode(node) && node.range) return where(node.range[0])
    }
    return where(0)
  }
  return { path, value: document.toJS() ?? {}, at }
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`Cannot read ${path}. Name a file that is there.`, { cause })
  }
}

/** One line for each fault. @param prefix of the paths of the schema in the file. */
export function faultsIn({ at }: Source, issues: readonly z.core.$ZodIssue[], prefix: PropertyKey[] = []): string[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path]
    const said = (keys: PropertyKey[], message: string) => `${at(keys)}: ${keys.join('.') || '(whole)'}: ${message}`
    if (issue.code !== 'unrecognized_keys') return [said(path, issue.message)]
    return issue.keys.map((key) => said([...path, key], 'there is no such key'))
  })
}
