/** Requests as no browser sends them: each has to be answered with the headers of every other answer, and refused under a foreign name. */
export const request = (line: string, host: string, more = '') =>
  `${line} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${more}\r\n`

/** What is answered before any route is looked for: [what, first line, further headers, status to this page's own name]. */
export const strange = [
  ['a URL that cannot be decoded', 'GET /api/%zz', '', 400],
  ['half of a surrogate in a URL', 'GET /api/log/%c3%28', '', 400],
  ['a parameter that is too long', `GET /api/log/${'a'.repeat(600)}`, '', 404],
  ['a page that is not there', 'GET /nothing', '', 404],
  ['a method that no route has', 'PROPFIND /api/fleet', '', 403],
  ['an expectation that nobody knows', 'GET /health', 'expect: the unexpected\r\n', 200],
  ['an upgrade', 'GET /nothing', 'connection: upgrade\r\nupgrade: h2c\r\n', 404],
  ['a version of the API', 'GET /health', 'accept-version: 1.x\r\n', 200],
] as const

/** What the parser refuses, and requests without a host. */
export const broken: [string, string, number][] = [
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400],
  ['headers that are too long', `GET / HTTP/1.1\r\nhost: localhost\r\na: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
  ['two lengths', 'GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  ['no host', 'GET /api/fleet HTTP/1.1\r\nconnection: close\r\n\r\n', 421],
  ['no host in HTTP/1.0', 'GET /api/fleet HTTP/1.0\r\n\r\n', 421],
]

/** Headers that an answer should have and has not. */
export function missing(answer: string): string[] {
  const has = answer.toLowerCase()
  return ['content-security-policy: ', 'x-content-type-options: nosniff', 'x-frame-options: deny'].filter(
    (each) => !has.includes(each),
  )
}
