/** `thymesh api schema`: the local API as an OpenAPI document. */

import { openApi } from '../../api/openapi.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function apiSchema(options: GlobalOptions): Promise<undefined> {
  const document = openApi()
  print(options, document, JSON.stringify(document, null, 2))
  return undefined
}
