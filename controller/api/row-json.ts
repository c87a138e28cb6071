/** Answers with a row for each device, as bytes of JSON: a row that is the same object as before is not written anew. */

import { areSame } from '../queries/same-items.ts'

const known = new WeakMap<object, string>()

/** The answer that was given last, while its rows are the same. */
interface Written {
  readonly rows: readonly object[]
  readonly others: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Writes the answers of one question: a page that asks often mostly gets what it got before. */
export function rowsWriter(): (answer: { readonly devices: readonly object[] }) => Uint8Array<ArrayBuffer> {
  let last: Written | undefined
  return ({ devices, ...rest }) => {
    const others = JSON.stringify(rest)
    if (last === undefined || last.others !== others || !areSame(last.rows, devices)) {
      const rows = `"devices":[${devices.map(rowJson).join(',')}]`
      const json = others === '{}' ? `{${rows}}` : `${others.slice(0, -1)},${rows}}`
      last = { rows: devices, others, bytes: new TextEncoder().encode(json) }
    }
    return last.bytes
  }
}

function rowJson(row: object): string {
  const text = known.get(row) ?? JSON.stringify(row)
  known.set(row, text)
  return text
}
