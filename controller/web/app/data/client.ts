/** Requests to the controller: JSON there and back, and errors as it tells them. */

export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** What the controller refused, or that it was not reached. */
export class RequestError extends Error implements Failure {
  readonly code: string
  readonly hint: string

  constructor({ code, message, hint }: Failure) {
    super(message)
    this.code = code
    this.hint = hint
  }
}

let token: string | undefined
let onSignedOut = () => {}

export const client = {
  get token(): string | undefined {
    return token
  },
  use(next: string | undefined, signedOut: () => void = onSignedOut): void {
    token = next
    onSignedOut = signedOut
  },
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await json(await send(path, { ...(signal && { signal }) }))) as T
  },
  /** With the ID of the last event that the answer contains. */
  async getWithEvent<T>(path: string): Promise<{ answer: T; last: string | undefined }> {
    const response = await send(path, {})
    return { answer: (await json(response)) as T, last: response.headers.get('thymesh-last-event') ?? undefined }
  },
  async post<T>(path: string, body: object): Promise<T> {
    const headers = { 'Content-Type': 'application/json' }
    return (await json(await send(path, { method: 'POST', headers, body: JSON.stringify(body) }))) as T
  },
  /** An answer that is read as it comes. */
  async stream(path: string, signal: AbortSignal): Promise<Response> {
    return await send(path, { signal })
  },
  /** A task's output, from a byte on, and the byte after it. */
  async output(id: string, from: number): Promise<{ text: string; next: number }> {
    const response = await send(`/v1/tasks/${encodeURIComponent(id)}/output?from=${from}`, {})
    return { text: await response.text(), next: Number(response.headers.get('thymesh-next') ?? from) }
  },
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = { ...init.headers, ...(token !== undefined && { Authorization: `Bearer ${token}` }) }
  const response = await fetch(path, { ...init, headers, cache: 'no-store' }).catch((thrown: Error) => {
    if (thrown.name === 'AbortError') throw thrown
    throw new RequestError({
      code: 'unreachable',
      message: 'The controller does not answer.',
      hint: 'Start it again: thymesh serve, or thymesh web.',
    })
  })
  if (response.ok) return response
  const told = (await response.json().catch(() => undefined)) as { error?: Failure } | undefined
  if (response.status === 401) onSignedOut()
  throw new RequestError(
    told?.error ?? { code: 'failed', message: `The controller answered with status ${response.status}.`, hint: '' },
  )
}

async function json(response: Response): Promise<unknown> {
  return await response.json().catch(() => {
    throw new RequestError({ code: 'failed', message: 'The controller gave an answer that is no JSON.', hint: '' })
  })
}

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof RequestError) return { code: thrown.code, message: thrown.message, hint: thrown.hint }
  if (isFailure(thrown)) return { code: thrown.code, message: thrown.message, hint: thrown.hint }
  return { code: 'failed', message: thrown instanceof Error ? thrown.message : String(thrown), hint: '' }
}

/** What a link of the page was told. */
function isFailure(thrown: unknown): thrown is Failure {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown && 'hint' in thrown
}
