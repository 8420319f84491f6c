/** The built page, read into memory once: three or four small files, each with an entity tag. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export function pageRoutes(app: FastifyInstance, staticDir: string): void {
  for (const name of readdirSync(staticDir)) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const body = readFileSync(join(staticDir, name))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 20)}"`
    app.get(name === 'index.html' ? '/' : `/${name}`, { config: { isPage: true } }, async (request, reply) => {
      reply.header('etag', etag).header('cache-control', 'no-cache')
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type(type).send(body)
    })
  }
}
