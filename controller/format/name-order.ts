/** The order of names in answers: as people count, so that `kiosk-2` is before `kiosk-10`. */

export const byName: (a: string, b: string) => number = new Intl.Collator('en', { numeric: true }).compare
