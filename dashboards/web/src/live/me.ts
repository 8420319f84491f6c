/** Who looks at this page, as the processor knows them. */
import type { AccountView, Me } from '@millrace/cloud-processor/web'
import { computed, signal } from '@preact/signals'
import { answer, post } from './api.ts'

/** `stranger`: they have to log in first. Undefined: it is not known yet. */
export const me = signal<Me | 'stranger' | undefined>(undefined)

const known = computed(() => (me.value === 'stranger' ? undefined : me.value))
/** May acknowledge and shelve. The processor refuses all the same. */
export const mayOperate = computed(() => known.value !== undefined && known.value.role !== 'viewer')
export const mayRegister = computed(() => known.value?.role === 'engineer' || known.value?.role === 'admin')
export const isAdmin = computed(() => known.value?.role === 'admin')
/** The name that orders are signed with; undefined where nobody has logged in. */
export const signedAs = computed(() =>
  known.value?.by === 'session' || known.value?.by === 'password' ? known.value.name : undefined,
)

export async function askWhoIAm(): Promise<void> {
  const response = await fetch('/api/me').catch(() => undefined)
  if (response?.status === 401) me.value = 'stranger'
  else if (response?.ok) me.value = (await response.json()) as Me
}

export interface AuditRow {
  id: number
  atMs: number
  by: string
  action: string
  target: string
  before?: unknown
  after?: unknown
  reason?: string
}

export const logIn = (name: string, password: string) => post('/api/login', { name, password })
export const logOut = () => post('/api/logout', {})
export const linkOwner = async (link: string) =>
  answer<{ name?: string }>(await fetch(`/api/link?${new URLSearchParams({ link })}`))
export const openLink = (link: string, name: string | undefined, password: string) =>
  post('/api/link', { link, password, ...(name === undefined ? {} : { name }) })
export const fetchAccounts = async () => answer<AccountView[]>(await fetch('/api/accounts'))
export const fetchAudit = async () => answer<AuditRow[]>(await fetch('/api/audit?limit=100'))
export const orderAccount = <T>(order: '' | '/link' | '/end-sessions' | '/remove', body: object) =>
  post<T>(`/api/accounts${order}`, body)
