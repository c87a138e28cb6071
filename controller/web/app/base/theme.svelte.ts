/** Light or dark: as the system has it, or as one chose. */

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const kept = 'thymesh.theme'
const chosen = localStorage.getItem(kept)

let current = $state<Theme>(themes.find(each => each === chosen) ?? 'system')

function apply(): void {
  if (current === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = current
}
apply()

export const theme = {
  get current(): Theme {
    return current
  },
  choose(next: Theme): void {
    current = next
    localStorage.setItem(kept, next)
    apply()
  },
}
