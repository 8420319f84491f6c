/**
 * Our broker by the clauses of MQTT 3.1.1, our agent and host by those of Sparkplug 3.0: `node test/conformance/clauses.ts [broker | agent |
 * host]`. One line a case, with the id of its clause. The cases are ours, not those of a kit.
 */
import { agentClauses } from './clauses/agent-clauses.ts'
import { brokerClauses } from './clauses/broker-clauses.ts'
import { hostClauses } from './clauses/host-clauses.ts'

const subjects = { broker: brokerClauses, agent: agentClauses, host: hostClauses }

const chosen = process.argv[2]
let passed = 0
let failed = 0
for (const [subject, open] of Object.entries(subjects)) {
  if (chosen !== undefined && chosen !== subject) continue
  const { clauses, close } = await open()
  for (const { id, says, holds } of clauses) {
    const fault = await holds().then(
      () => '',
      (error: Error) => error.message,
    )
    if (fault) failed++
    else passed++
    console.log(`${fault ? 'FAILED' : 'holds '}  ${subject.padEnd(6)}  [${id}] ${says}${fault && `; ${fault.slice(0, 200)}`}`)
  }
  await close()
}
const counts = [failed > 0 ? `${failed} failed` : '', `${passed} passed`].filter(Boolean).join(' | ')
console.log(`\nTests  ${counts} (${passed + failed})`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
