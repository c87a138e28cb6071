/** JSON from outside, before a schema looks at it. */

/** The value of the text; undefined if it is no JSON, which no schema takes. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
