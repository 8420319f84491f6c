/** Keys that each HTTP listener has: the page and the metrics endpoint. */
import { z } from 'zod'

export const httpsSchema = z
  .strictObject({ certFile: z.string().describe('PEM.'), keyFile: z.string().describe('PEM.') })
  .optional()
  .describe('Serve HTTPS with this certificate.')

/** @param whose says whose name it is */
export const basicCredentialSchema = (whose: string) =>
  z
    .strictObject({
      name: z.string().min(1).describe(whose),
      passwordFile: z.string().describe('File that holds the password on its first line.'),
    })
    .optional()
