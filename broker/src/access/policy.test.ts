import { describe, expect, test } from 'vitest'
import { type Role, rightsOf } from './policy.ts'

describe('arguments that do not fit the role are refused', () => {
  test.each<[Role, string[]]>([
    ['node', []],
    ['node', ['ward']],
    ['node', ['ward/bed1/more']],
    ['node', ['ward/+']],
    ['node', ['#/bed1']],
    ['node', ['ward/bed1', 'ward/bed2']],
    ['host', []],
    ['host', ['a/b']],
    ['host', ['millrace', 'a/#/b']],
    ['host', ['millrace', '$SYS/#']],
    ['device', []],
    ['device', ['']],
    ['device', ['#']],
    ['device', ['spBv1.0']],
    ['device', ['spBv1.0/ward']],
    ['device', ['$SYS']],
    ['device', ['a/+']],
    ['admin', ['all']],
  ])('%s %j', (role, args) => {
    expect(() => rightsOf('u', role, args)).toThrow(expect.objectContaining({ code: 'BROKER_USER_INVALID' }))
  })
})

test('a node may write exactly its six kinds of message and read its commands and STATE', () => {
  const { publish, subscribe } = rightsOf('u', 'node', ['ward/bed1'])
  expect(publish.map((levels) => levels.join('/'))).toEqual([
    'spBv1.0/ward/NBIRTH/bed1',
    'spBv1.0/ward/NDEATH/bed1',
    'spBv1.0/ward/NDATA/bed1',
    'spBv1.0/ward/DBIRTH/bed1/+',
    'spBv1.0/ward/DDEATH/bed1/+',
    'spBv1.0/ward/DDATA/bed1/+',
  ])
  expect(subscribe.map((levels) => levels.join('/'))).toEqual([
    'spBv1.0/ward/NCMD/bed1/#',
    'spBv1.0/ward/DCMD/bed1/#',
    'spBv1.0/STATE/+',
  ])
})
