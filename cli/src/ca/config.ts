/** The configuration of the authority's endpoint, `ca.yaml`. */
import { z } from 'zod'

export const caSchema = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on; it is always TLS.'),
      port: z.int().min(0).max(65_535).default(8884).describe('TCP port; 0 takes a free one.'),
    })
    .prefault({}),
  tls: z.strictObject({
    certFile: z.string().describe('Certificate of this server, PEM.'),
    keyFile: z.string().describe('Its private key, PEM.'),
  }),
  certificateDays: z
    .number()
    .min(1 / 8640)
    .max(397)
    .default(14)
    .describe('Life of the certificate of a gateway. It is renewed after two thirds of it.'),
  graceDays: z
    .number()
    .min(0)
    .max(3650)
    .default(90)
    .describe('A gateway that was off may renew so long after its certificate has ended, by the key of it. 0: never.'),
})

export type CaConfig = z.infer<typeof caSchema>
