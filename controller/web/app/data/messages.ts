/** What the tabs of a browser and their shared worker say to each other. */

import type { Link, LinkEvent } from './link.ts'

export type ToWorker =
  /** Signs all tabs in, or without a token out. */
  | { readonly type: 'token'; readonly token: string | undefined }
  /** A new tab asks how things are. */
  | { readonly type: 'hello' }

export type FromWorker =
  | { readonly type: 'hello'; readonly token: string | undefined; readonly link: Link }
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'events'; readonly events: readonly LinkEvent[] }
