/** The checks and what came of them, as a table. */
import type { Scene } from './scene.ts'

interface Row {
  group: string
  /** What asks for it. */
  clause: string
  what: string
  /** Absent: it holds. */
  fault: string | undefined
}

/** Records a check: it holds unless there is a fault. */
export type Check = (clause: string, what: string, fault: string | undefined | false) => void

export interface Group {
  name: string
  run(scene: Scene, check: Check): Promise<void>
}

/** The clauses, each as it is printed. */
export const clauses = {
  passwords: 'OWASP IoT I1, ETSI 5.1',
  services: 'OWASP IoT I2, ETSI 5.6-1',
  interfaces: 'OWASP IoT I3, ETSI 5.5-5',
  update: 'OWASP IoT I4, ETSI 5.3',
  components: 'OWASP IoT I5',
  privacy: 'OWASP IoT I6, ETSI 5.8',
  transfer: 'OWASP IoT I7, ETSI 5.5-1',
  storage: 'OWASP IoT I7, ETSI 5.4-1',
  defaults: 'OWASP IoT I9, ETSI 5.6',
  bruteForce: 'OWASP API2, ETSI 5.1-5',
  objects: 'OWASP API1',
  authentication: 'OWASP API2, ETSI 5.5-4',
  properties: 'OWASP API3',
  resources: 'OWASP API4, ETSI 5.9-1',
  functions: 'OWASP API5',
  requests: 'OWASP API7',
  misconfiguration: 'OWASP API8',
  inventory: 'OWASP API9',
  support: 'ETSI 5.3-13',
  audit: 'ETSI 5.10-1',
  disclosure: 'ETSI 5.2-1',
  mqttClient: 'MQTT 5.4.1, OWASP IoT I1',
  mqttRights: 'MQTT 5.4.2, OWASP API1',
  mqttServer: 'MQTT 5.4.3, ETSI 5.5-1',
  mqttAbnormal: 'MQTT 5.4.8, ETSI 5.9-1',
  input: 'ETSI 5.13-1, OWASP API10',
} as const

export class Sheet {
  readonly #rows: Row[] = []

  add({ fault, ...row }: Omit<Row, 'fault'> & { fault: string | undefined | false }): void {
    this.#rows.push({ ...row, fault: fault === false ? undefined : fault })
  }

  get size(): number {
    return this.#rows.length
  }

  get failed(): number {
    return this.#rows.filter(({ fault }) => fault !== undefined).length
  }

  countOf(group: string): string {
    const rows = this.#rows.filter((row) => row.group === group)
    return `${rows.length} checks, ${rows.filter(({ fault }) => fault !== undefined).length} failed`
  }

  /** @param named `<group>: <check>` */
  hasFailed(named: string): boolean {
    return this.#rows.some(({ group, what, fault }) => fault !== undefined && named === `${group}: ${what}`)
  }

  print(): void {
    const widths = (['group', 'clause'] as const).map((key) => Math.max(...this.#rows.map((row) => row[key].length)))
    const byGroup = [...Map.groupBy(this.#rows, ({ group }) => group).values()].flat()
    for (const [at, { group, clause, what, fault }] of byGroup.entries()) {
      const columns = [`${at + 1}`.padStart(3), group.padEnd(widths[0]!), clause.padEnd(widths[1]!)]
      console.log(
        `${columns.join('  ')}  ${fault === undefined ? 'holds ' : 'FAILED'}  ${what}${fault === undefined ? '' : `: ${fault.slice(0, 600)}`}`,
      )
    }
  }
}

/** The fault of a list in which there should be nothing. */
export function anyOf(wrong: string[]): string | undefined {
  return wrong.length === 0 ? undefined : `${wrong.length}: ${wrong.slice(0, 5).join('; ')}`
}

/** The fault of an answer that should match. */
export const unlike = (answer: string, wanted: RegExp): string | undefined =>
  wanted.test(answer) ? undefined : `${wanted} was expected: ${answer.slice(0, 300)}`
