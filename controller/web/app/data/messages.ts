/** What the tabs of a browser and their shared worker say to each other. */

import type { Link, LinkEvent } from './link.ts'

export type ToWorker =
  /** Signs all tabs in, or without a token out. The stream begins after an event, if it hasn't yet. */
  | { readonly type: 'token'; readonly token: string | undefined; readonly after?: string | undefined }
  /** A new tab asks how things are. */
  | { readonly type: 'hello' }

export type FromWorker =
  /** `told`: the ID of the last event that the tabs were told. */
  | {
      readonly type: 'hello'
      readonly token: string | undefined
      readonly link: Link
      readonly told: string | undefined
    }
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'events'; readonly events: readonly LinkEvent[] }
