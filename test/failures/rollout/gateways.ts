/**
 * Several gateways in one process: `node test/failures/rollout/gateways.ts <planted bug | none> <configuration> ...`
 *
 * `confirm-blind`: a gateway confirms by itself what it tries, connected or not.
 */

import { startGateway } from '@millrace/edge-agent/gateway'
import { type Parts, parts } from '@millrace/edge-agent/parts'
import { createLog, runService } from '@millrace/platform'

const [planted, ...files] = process.argv.slice(2)

const confirmsBlindly: Parts = {
  ...parts,
  createUplink(context) {
    const confirm = setInterval(() => {
      const { newest } = JSON.parse(context.orders!.report())
      if (newest?.state === 'applying')
        context.orders!.take(
          JSON.stringify({ f: 1, k: 'confirm', host: context.host, version: newest.version, trial: newest.trial }),
        )
    }, 200)
    const uplink = parts.createUplink(context)
    const stop = uplink.stop.bind(uplink)
    uplink.stop = () => {
      clearInterval(confirm)
      return stop()
    }
    return uplink
  },
}

const log = createLog('gateways')
await runService(log, 'run', {
  check() {},
  async run() {
    const own = planted === 'confirm-blind' ? confirmsBlindly : parts
    const gateways = await Promise.all(files.map((file) => startGateway(file, { log, env: {}, parts: own })))
    log.info('gateways ready', { count: gateways.length })
    return { stop: async () => void (await Promise.all(gateways.map((one) => one.stop()))) }
  },
})
