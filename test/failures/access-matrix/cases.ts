/**
 * Who may publish and read what, written by hand and not read from the broker's table: a role that is too wide there is told apart from it.
 * Who is not named may not. Rights of `node` are those of ward/bed1, of `other` those of ward/bed2; `device` has the prefix plain/d1,
 * `host` the host id millrace and the filter plain/#.
 */
export const holders = ['node', 'other', 'host', 'device', 'admin'] as const
export type Holder = (typeof holders)[number]

/** By topic: who may publish there, retained messages and wills included. */
export const topics: Record<string, Holder[]> = {
  'spBv1.0/ward/NBIRTH/bed1': ['node', 'admin'],
  'spBv1.0/ward/NDEATH/bed1': ['node', 'admin'],
  'spBv1.0/ward/NDATA/bed1': ['node', 'admin'],
  'spBv1.0/ward/DBIRTH/bed1/oximeter': ['node', 'admin'],
  'spBv1.0/ward/DDEATH/bed1/oximeter': ['node', 'admin'],
  'spBv1.0/ward/DDATA/bed1/oximeter': ['node', 'admin'],
  'spBv1.0/ward/DDATA/bed1/__proto__': ['node', 'admin'],
  'spBv1.0/ward/DDATA/bed1/': ['node', 'admin'],
  'spBv1.0/ward/NDATA/bed2': ['other', 'admin'],
  'spBv1.0/ward/NDEATH/bed2': ['other', 'admin'],
  'spBv1.0/ward/DDATA/bed2/oximeter': ['other', 'admin'],
  'spBv1.0/icu/NDATA/bed1': ['admin'],
  'spBv1.0/ward/NDATA/bed11': ['admin'],
  'spBv1.0/ward/NDATA/Bed1': ['admin'],
  'spBv1.0/ward/ndata/bed1': ['admin'],
  'spBv1.0/ward/NDATA/bed1/more': ['admin'],
  'spBv1.0/ward/DDATA/bed1': ['admin'],
  'spBv1.0/ward/DDATA/bed1/a/b': ['admin'],
  'spBv1.0/ward/NDATA/bed1/../bed2': ['admin'],
  'spBv1.0/__proto__/NDATA/bed1': ['admin'],
  'spBv1.0/ward/__proto__/bed1': ['admin'],
  'spBv1.0/ward/NDATA/__proto__': ['admin'],
  'spBv1.0/ward/NCMD/bed1': ['host', 'admin'],
  'spBv1.0/ward/NCMD/bed2': ['host', 'admin'],
  'spBv1.0/ward/DCMD/bed1/oximeter': ['host', 'admin'],
  'spBv1.0/__proto__/NCMD/constructor': ['host', 'admin'],
  'spBv1.0/ward/NCMD/bed1/more': ['admin'],
  'spBv1.0/ward/DCMD/bed1': ['admin'],
  'spBv1.0/STATE/millrace': ['host', 'admin'],
  'spBv1.0/STATE/another': ['admin'],
  'spBv1.0/STATE/millrace/more': ['admin'],
  'STATE/millrace': ['admin'],
  'plain/d1': ['device', 'admin'],
  'plain/d1/': ['device', 'admin'],
  'plain/d1/t': ['device', 'admin'],
  'plain/d1/a/b/c': ['device', 'admin'],
  'plain/d1/__proto__': ['device', 'admin'],
  'plain/d11/t': ['admin'],
  'plain/D1/t': ['admin'],
  '/plain/d1/t': ['admin'],
  'plain/d2/t': ['admin'],
  plain: ['admin'],
  private: ['admin'],
  ['__proto__']: ['admin'],
  'constructor/prototype': ['admin'],
  '/': ['admin'],
  '$SYS/broker/uptime': [],
  '$SYS/broker/__proto__': [],
  '$share/g/plain/d1/t': [],
}

export interface ReadCase {
  filter: string
  /** A message that the admin publishes there; absent: what the broker itself publishes below $SYS. */
  topic?: string
  /** Who gets it. */
  by: Holder[]
  /**
   * Who gets it from Mosquitto besides: it grants each filter, and asks for the right at each message. Our broker refuses a filter that is
   * wider than the right.
   */
  onMosquitto?: Holder[]
}

export const reads: ReadCase[] = [
  { filter: 'spBv1.0/ward/NCMD/bed1', topic: 'spBv1.0/ward/NCMD/bed1', by: ['node', 'host', 'admin'] },
  { filter: 'spBv1.0/ward/NCMD/bed1/#', topic: 'spBv1.0/ward/NCMD/bed1', by: ['node', 'host', 'admin'] },
  { filter: 'spBv1.0/ward/DCMD/bed1/#', topic: 'spBv1.0/ward/DCMD/bed1/oximeter', by: ['node', 'host', 'admin'] },
  { filter: 'spBv1.0/ward/DCMD/bed1/+', topic: 'spBv1.0/ward/DCMD/bed1/oximeter', by: ['node', 'host', 'admin'] },
  { filter: 'spBv1.0/ward/NCMD/bed2', topic: 'spBv1.0/ward/NCMD/bed2', by: ['other', 'host', 'admin'] },
  { filter: 'spBv1.0/ward/NCMD/+', topic: 'spBv1.0/ward/NCMD/bed1', by: ['host', 'admin'], onMosquitto: ['node'] },
  { filter: 'spBv1.0/+/NCMD/bed1', topic: 'spBv1.0/ward/NCMD/bed1', by: ['host', 'admin'], onMosquitto: ['node'] },
  { filter: 'spBv1.0/icu/NCMD/bed1', topic: 'spBv1.0/icu/NCMD/bed1', by: ['host', 'admin'] },
  { filter: 'spBv1.0/ward/NDATA/bed1', topic: 'spBv1.0/ward/NDATA/bed1', by: ['host', 'admin'] },
  { filter: 'spBv1.0/ward/NDATA/+', topic: 'spBv1.0/ward/NDATA/bed1', by: ['host', 'admin'] },
  { filter: 'spBv1.0/ward/DDATA/bed1/+', topic: 'spBv1.0/ward/DDATA/bed1/oximeter', by: ['host', 'admin'] },
  { filter: 'spBv1.0/+/+/+/#', topic: 'spBv1.0/ward/DDATA/bed1/__proto__', by: ['host', 'admin'] },
  { filter: 'spBv1.0/#', topic: 'spBv1.0/ward/DDATA/bed2/oximeter', by: ['host', 'admin'] },
  { filter: 'spBv1.0/STATE/+', topic: 'spBv1.0/STATE/millrace', by: ['node', 'other', 'host', 'admin'] },
  { filter: 'spBv1.0/STATE/another', topic: 'spBv1.0/STATE/another', by: ['node', 'other', 'host', 'admin'] },
  { filter: 'spBv1.0/STATE/#', topic: 'spBv1.0/STATE/third', by: ['host', 'admin'], onMosquitto: ['node', 'other'] },
  { filter: 'STATE/+', topic: 'STATE/millrace', by: ['admin'] },
  { filter: 'plain/#', topic: 'plain/d1/t', by: ['host', 'admin'] },
  { filter: 'plain/d1/#', topic: 'plain/d1/t', by: ['host', 'admin'] },
  { filter: 'plain/+/t', topic: 'plain/d2/t', by: ['host', 'admin'] },
  { filter: '+/d1/t', topic: 'plain/d1/t', by: ['admin'], onMosquitto: ['host'] },
  { filter: '#', topic: 'private', by: ['admin'] },
  { filter: '#', topic: 'spBv1.0/ward/NCMD/bed2', by: ['admin'], onMosquitto: ['host', 'other'] },
  { filter: '#', topic: 'plain/d3', by: ['admin'], onMosquitto: ['host'] },
  { filter: '+', topic: 'private', by: ['admin'] },
  { filter: '+/#', topic: 'constructor/prototype', by: ['admin'] },
  { filter: '__proto__', topic: '__proto__', by: ['admin'] },
  { filter: '__proto__/#', topic: '__proto__', by: ['admin'] },
  { filter: 'spBv1.0/__proto__/NDATA/+', topic: 'spBv1.0/__proto__/NDATA/bed1', by: ['host', 'admin'] },
  { filter: '/', topic: '/', by: ['admin'] },
  { filter: '$SYS/#', by: ['admin'] },
  { filter: '$share/g/spBv1.0/#', topic: 'spBv1.0/ward/NDATA/bed2', by: [], onMosquitto: ['host', 'admin'] },
  { filter: '$share/g/#', topic: 'private', by: [], onMosquitto: ['admin'] },
]

export const publishKinds = ['publish', 'retained', 'will'] as const
export type PublishKind = (typeof publishKinds)[number]
