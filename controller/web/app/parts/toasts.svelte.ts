/** Short messages over the page: what was done, what failed, and the way on. */

import { saidFailure } from './said-failure.ts'

export interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad' | 'plain'
  readonly text: string
  readonly hint?: string
  readonly link?: { readonly href: string; readonly text: string }
}

const shownMs = 6_000

let toasts = $state.raw<readonly Toast[]>([])
let count = 0

export const toaster = {
  get all() {
    return toasts
  },
  /** Failures stay until they are closed: who looks away must not miss one. */
  say(toast: Omit<Toast, 'id'>): void {
    count += 1
    const id = count
    toasts = [...toasts.slice(-3), { ...toast, id }]
    if (toast.tone !== 'bad') setTimeout(() => toaster.close(id), shownMs)
  },
  fail(thrown: unknown): void {
    const { message, hint } = saidFailure(thrown)
    toaster.say({ tone: 'bad', text: message, hint })
  },
  close(id: number): void {
    toasts = toasts.filter(toast => toast.id !== id)
  },
}
