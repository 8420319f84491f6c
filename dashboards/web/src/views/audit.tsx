/** The audit trail, the newest first. */
import { signal } from '@preact/signals'
import { whenText } from '../format.ts'
import { type AuditRow, fetchAudit } from '../live/me.ts'
import { nowSecond } from '../live/time.ts'

const trail = signal<AuditRow[]>([])

export async function loadAudit(): Promise<void> {
  trail.value = await fetchAudit()
}

export function AuditSection() {
  return (
    <section aria-labelledby="audit">
      <h2 id="audit">Audit trail</h2>
      {trail.value.length === 0 && <p class="soft">Nothing yet.</p>}
      {trail.value.length > 0 && (
        <div class="scroll-x">
          <table>
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>To</th>
                <th>Before</th>
                <th>After</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {trail.value.map((row) => (
                <tr key={row.id}>
                  <td>{whenText(row.atMs, nowSecond.value)}</td>
                  <td>{row.by}</td>
                  <td>{row.action}</td>
                  <td>{row.target}</td>
                  <td class="audit-value">{valueText(row.before)}</td>
                  <td class="audit-value">{valueText(row.after)}</td>
                  <td>{row.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

const valueText = (value: unknown) =>
  value === undefined ? '' : JSON.stringify(value).replace(/[{}"]/g, '').replaceAll(',', ', ')
