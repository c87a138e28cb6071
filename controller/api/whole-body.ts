/** The body of an answer that is known as a whole. `Response` copies bytes that it is given twice, which for a large fleet makes most of an answer's cost. */

/** Whose bytes a body is: it outlives the responses that headers are added to. */
const bytesOf = new WeakMap<ReadableStream, Uint8Array<ArrayBuffer>>()

/** A body of these bytes, which nobody may change. */
export function wholeBody(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const body = new ReadableStream({
    start: controller => {
      controller.enqueue(bytes)
      controller.close()
    },
  })
  bytesOf.set(body, bytes)
  return body
}

/** All bytes of a response, which must end. Those of a whole body are the very same object each time. */
export async function wholeBytes(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const known = response.body === null ? undefined : bytesOf.get(response.body)
  return known ?? new Uint8Array(await response.arrayBuffer())
}
