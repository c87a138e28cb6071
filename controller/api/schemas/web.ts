/** The answers of `thymesh web`: where the page is opened, and which browsers are signed in. */

import { z } from 'zod'

export const openWebOptions = z.strictObject({
  /** Of 127.0.0.1; 0 takes any free one. It counts when the page is served for the first time. */
  port: z.int().min(0).max(65_535).optional(),
})

export const openedWebSchema = z.object({
  /** Of the page, without the code. */
  address: z.string(),
  /** Lets one browser in, once, within a minute: behind `#code=` of the address. */
  code: z.string(),
})
export type OpenedWeb = z.infer<typeof openedWebSchema>

export const webSessionsSchema = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      /** What the browser calls itself. */
      agent: z.string(),
      began: z.string(),
      used: z.string(),
    }),
  ),
})
export type WebSessions = z.infer<typeof webSessionsSchema>

export const endWebOptions = z.strictObject({ id: z.string().max(40) })
