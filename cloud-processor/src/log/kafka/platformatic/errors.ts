/** The library's errors and the protocol's error codes as one kind. */
import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { KafkaFailure } from '../client.ts'

/** No topic of that name or id: it may be on its way through the cluster. */
const alsoRetry = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID', 'KAFKA_STORAGE_ERROR'])

export function failureOf(code: number, detail?: string | null): KafkaFailure {
  const name = protocolErrorsCodesById[code as keyof typeof protocolErrorsCodesById] ?? `ERROR_${code}`
  const known = protocolErrors[name as keyof typeof protocolErrors] as { canRetry?: boolean; message?: string } | undefined
  return new KafkaFailure(name, known?.canRetry === true || alsoRetry.has(name), detail ?? known?.message ?? '')
}

interface LibraryError extends Error {
  code?: string
  apiCode?: number
  errors?: LibraryError[]
}

/** An answer with an error keeps its code; a connection that failed may be tried again, a login that was refused may not. */
export function toFailure(error: unknown): KafkaFailure {
  if (error instanceof KafkaFailure) return error
  const all = flatten(error as LibraryError)
  const answered = all.find(({ apiCode }) => apiCode !== undefined)
  if (answered) {
    const failure = failureOf(answered.apiCode!)
    return new KafkaFailure(failure.name, failure.retry, answered.message, error)
  }
  const isRefused = all.some(({ code }) => code === 'PLT_KFK_AUTHENTICATION' || code === 'PLT_KFK_USER')
  return new KafkaFailure(isRefused ? 'REFUSED' : 'NO_ANSWER', !isRefused, all.map(({ message }) => message).join(': '), error)
}

function flatten(error: LibraryError): LibraryError[] {
  const inner = [...(error.errors ?? []), ...(error.cause instanceof Error ? [error.cause as LibraryError] : [])]
  return [error, ...inner.flatMap(flatten)]
}

/** An answer with an error code inside is an answer: its parts are looked at one by one. @throws KafkaFailure */
export async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    const { response } = error as { response?: T }
    if (response) return response
    throw toFailure(error)
  }
}
