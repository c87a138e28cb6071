/** Shows a dialog over the page: where the focus goes when it opens, and to whom it goes back when it is left. */

import { tick } from 'svelte'

/** Who had the focus before the dialog that was left last: another one may follow it at once, such as the question for a passphrase. */
let left: Element | null = null

/** For `{@attach}`. */
export function modal(dialog: HTMLDialogElement): () => void {
  const opener = focused() ?? left
  dialog.showModal()
  if (dialog.querySelector('[autofocus]') === null) first(dialog)?.focus()
  return () => {
    left = opener
    dialog.close()
    void tick().then(() => {
      if (focused() === null) giveBack(opener)
    })
  }
}

/** The view has the focus where nothing else has it: for those who read it aloud, and for the next Tab. */
export function focusView(): void {
  if (focused() === null) document.getElementById('content')?.focus({ preventScroll: true })
}

function focused(): Element | null {
  const { activeElement, body } = document
  return activeElement === body ? null : activeElement
}

/** The first field; where something is taken away the way out, so that a second Enter does it not. */
function first(dialog: HTMLDialogElement): HTMLElement | null {
  const field = dialog.querySelector<HTMLElement>('.content :is(input, select, textarea):not(:disabled)')
  const cancel = dialog.querySelector<HTMLElement>('footer button[type="button"]')
  return dialog.querySelector('footer .bad[type="submit"]') === null ? (field ?? cancel) : cancel
}

/** What opened the dialog may be gone with what was done. */
function giveBack(opener: Element | null): void {
  if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
  focusView()
}
